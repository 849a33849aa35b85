/** Runs the handler of a bundle once, in a process of its own as Lambda would: `run-function.mjs <bundle> <event>`. Prints what it
 *  returned, and the peak of its memory in MiB. */
import { pathToFileURL } from 'node:url';

const [, , bundle = '', event = '{}'] = process.argv;
const { handler } = await import(pathToFileURL(bundle).href);
const answer = await handler(JSON.parse(event), { awsRequestId: 'bench' });
process.stdout.write(`\n${JSON.stringify({ answer, peakMiB: process.resourceUsage().maxRSS / 1024 })}\n`);

/** The internet, as a command that fetches from it sees it. */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { onTestFinished } from 'vitest';

/** What is published, by URL without its scheme; a list is answered one after the other, the last for ever. */
export type Published = Readonly<Record<string, string | Buffer | readonly (string | Buffer | number)[]>>;

/** An internet that publishes this, from a server of this machine; null where there is none. */
export async function openInternet(published: Published | null) {
  const asked: string[] = [];
  const waited: number[] = [];
  const answer = ({ url = '' }: IncomingMessage, response: ServerResponse) => {
    const name = url.slice(1);
    const given = published?.[name];
    const times = asked.filter((one) => one === name).length;
    asked.push(name);
    const now =
      typeof given === 'object' && !Buffer.isBuffer(given) ? given[Math.min(times, given.length - 1)] : given;
    response.statusCode = typeof now === 'number' ? now : now === undefined ? 403 : 200;
    response.end(typeof now === 'number' || now === undefined ? 'no' : now);
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  const { port } = address;
  const close = () => new Promise((resolve) => server.close(resolve));
  if (published === null) await close();
  else onTestFinished(async () => void (await close()));
  return {
    asked,
    waited,
    fetch: (url: string, options: RequestInit) =>
      fetch(`http://127.0.0.1:${port}/${url.replace('https://', '')}`, options),
    sleep: (milliseconds: number) => {
      waited.push(milliseconds);
      return Promise.resolve();
    },
  };
}

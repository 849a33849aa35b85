/** Step Functions on this machine, for what asks about executions: moto has the API, and runs nothing of ours. */
import { createServer } from 'node:http';
import { stepFunctionsOf } from '../../sandbox/aws/step-functions.ts';
import type { Engine } from '../../sandbox/engine/engine.ts';
import { forgetClients } from '../../core/aws/clients.ts';
import { HUB } from '../fixtures/accounts.ts';
import { portOf } from '../fixtures/ports.ts';
import { type Answer, errorAnswer, jsonAnswer } from './faults/wire/protocols.ts';

const CALLER = { ...HUB, role: 'packleader-tasks', session: 'e2e' };

/** The SDK's clients of this process find it from now on. */
export async function serveStepFunctions(engine: Engine): Promise<void> {
  const answerTo = (operation: string, text: string): Answer => {
    try {
      const answering: unknown = Reflect.get(stepFunctionsOf(engine), operation);
      if (typeof answering !== 'function') throw new Error(`Nobody knows ${operation} here.`);
      return jsonAnswer(answering(CALLER, JSON.parse(text)));
    } catch (error) {
      return errorAnswer('sfn', error instanceof Error ? error : new Error(String(error)));
    }
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
      const { status, headers, body } = answerTo(operation, Buffer.concat(chunks).toString());
      response.writeHead(status, headers).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  process.env['AWS_ENDPOINT_URL_SFN'] = `http://127.0.0.1:${portOf(server)}`;
  forgetClients();
}

/** Stands between every SDK client and AWS, and passes on what it is told to. */
import {
  Agent,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  createServer,
  request,
} from 'node:http';
import { ORIGIN_HEADER, type Origin, originOf } from './origin.ts';
import type { Answer, Asked } from './protocols.ts';
import { portOf } from '../../../fixtures/ports.ts';

/** What becomes of a request: an answer, a broken connection, or nothing, ever. */
export type Reply = Answer | 'reset' | 'silence';
export type Serve = (asked: Asked, origin: Origin) => Promise<Reply>;

/** A connection that moto closes just when it is used again would be a fault that nobody chose. */
const agent = new Agent({ keepAlive: false });

export class Proxy {
  readonly endpoint: string;
  readonly #server: Server;
  #serve: Serve | undefined;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.endpoint = `http://127.0.0.1:${port}`;
  }

  static async start(): Promise<Proxy> {
    const server = createServer((asked, response) => void proxy.#pass(asked, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy: Proxy = new Proxy(server, portOf(server));
    return proxy;
  }

  /** From now on `serve` decides; without it nobody is answered. Whoever still waits for an answer is cut off. */
  use(serve: Serve | undefined): void {
    this.#serve = serve;
    this.#server.closeAllConnections();
  }

  async #pass(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(Buffer.from(chunk));
    const { method = '', url = '', headers } = message;
    const { [ORIGIN_HEADER]: mark, ...rest } = headers;
    const origin = originOf(String(mark));
    if (this.#serve === undefined) return void message.socket.destroy();
    if (origin === undefined) throw new Error(`Nobody knows where ${method} ${url} comes from.`);
    if (origin.isOver()) {
      origin.hang();
      return;
    }
    const reply = await this.#serve(
      { method, url, headers: rest, body: Buffer.concat(chunks).toString('latin1') },
      origin,
    );
    if (reply === 'reset') message.socket.destroy();
    if (typeof reply === 'string' || response.destroyed) return;
    response.writeHead(reply.status, { ...reply.headers, 'content-length': Buffer.byteLength(reply.body) });
    response.end(reply.body);
  }
}

/** Passes a request on and returns its answer, unchanged. */
export async function forward(endpoint: string, { method, url, headers, body }: Asked): Promise<Answer> {
  const bytes = Buffer.from(body, 'latin1');
  const { host: _host, connection: _connection, ...rest } = headers;
  return new Promise((resolve, reject) => {
    const sent = request(
      new URL(url, endpoint),
      { method, agent, headers: { ...rest, 'content-length': bytes.length } },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const kept = Object.entries(answer.headers).filter(
            ([name, value]) => !HOP_BY_HOP.includes(name) && value !== undefined,
          );
          resolve({
            status: answer.statusCode ?? 0,
            headers: Object.fromEntries(kept.map(([name, value]) => [name, value ?? ''])),
            body: Buffer.concat(chunks),
          });
        });
      },
    );
    sent.on('error', reject);
    sent.end(bytes);
  });
}

const HOP_BY_HOP = ['connection', 'transfer-encoding', 'content-length', 'keep-alive'];

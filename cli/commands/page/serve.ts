/** Shows the page to browsers on this machine, until Ctrl-C. */
import { type Server, createServer } from 'node:http';
import { once } from 'node:events';
import { InvalidConfiguration, problem } from '../../../core/configuration/documents/problems.ts';

/** A page that was made less than this ago is shown again. */
const FRESH_MS = 60_000;
const HERE = '127.0.0.1';

export interface Serving {
  readonly port: number;
  /** Makes the page; what it rejects with is what the browser is shown. */
  readonly make: () => Promise<string>;
  readonly signal: AbortSignal;
  readonly onListening: (url: string) => void;
}

/** @throws InvalidConfiguration when nobody can listen there */
export async function serve({ port, make, signal, onListening }: Serving): Promise<void> {
  let made: { readonly at: number; readonly html: Promise<string> } | undefined;
  const server = createServer((request, response) => {
    // Another name for this machine is how a page of somebody else's would read this one.
    const { host = '' } = request.headers;
    if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host))
      return answer(403, 'Ask for http://127.0.0.1.');
    if (request.url !== '/') return answer(404, 'There is one page here, at /.');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return answer(405, 'The page can only be read.');
    if (made === undefined || Date.now() - made.at > FRESH_MS) made = { at: Date.now(), html: make() };
    made.html.then(
      (html) => answer(200, html, 'text/html; charset=utf-8'),
      (error: unknown) => {
        made = undefined;
        answer(502, error instanceof Error ? error.message : String(error));
      },
    );

    function answer(status: number, body: string, type = 'text/plain; charset=utf-8'): void {
      const headers = {
        'content-type': type,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      };
      response.writeHead(status, headers).end(body);
    }
  });
  await listening(server, port);
  onListening(`http://${HERE}:${port}/`);
  if (!signal.aborted) await once(signal, 'abort');
  server.close();
  server.closeAllConnections();
}

async function listening(server: Server, port: number): Promise<void> {
  try {
    server.listen(port, HERE);
    await once(server, 'listening');
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? error.code : error;
    const said =
      why === 'EADDRINUSE'
        ? `somebody listens on port ${port} already; give another, as in --serve ${port + 1}`
        : why === 'ERR_SOCKET_BAD_PORT'
          ? `found ${port}, must be a port, a whole number from 1 to 65535`
          : `cannot listen on port ${port}: ${String(why)}`;
    throw new InvalidConfiguration([problem('command line', 0, ['--serve'], said)]);
  }
}

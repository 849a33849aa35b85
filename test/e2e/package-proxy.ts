/** The only thing outside its own network that a machine reaches: Debian's packages, kept from one run to the next. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';

const MIRROR = 'deb.debian.org';
/** What never changes under its name; everything else is asked for again. */
const IMMUTABLE = /\.deb$|\/by-hash\//;

/** Starts a proxy for apt and returns its port. It answers machines only. */
export async function startPackageProxy(cache: string): Promise<number> {
  mkdirSync(cache, { recursive: true });
  const server = createServer((request, response) => {
    const url = URL.parse(request.url ?? '');
    const isMachine = (request.socket.remoteAddress ?? '').replace('::ffff:', '').startsWith('198.18.');
    if (!isMachine || request.method !== 'GET' || url?.hostname !== MIRROR) {
      response.writeHead(403).end();
      return;
    }
    get(url, cache).then(
      ({ status, body }) => response.writeHead(status, { 'content-length': body.length }).end(body),
      (error: unknown) => response.writeHead(502).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  server.unref();
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The package proxy has no port.');
  return address.port;
}

async function get(url: URL, cache: string): Promise<{ status: number; body: Uint8Array }> {
  const file = join(cache, createHash('sha256').update(url.href).digest('hex'));
  const keeps = IMMUTABLE.test(url.pathname);
  if (keeps && existsSync(file)) return { status: 200, body: await readFile(file) };
  const answer = await fetch(url);
  const body = new Uint8Array(await answer.arrayBuffer());
  if (keeps && answer.ok) {
    await writeFile(`${file}.${process.pid}`, body);
    await rename(`${file}.${process.pid}`, file);
  }
  return { status: answer.status, body };
}

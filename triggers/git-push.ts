import { TRIGGER_ENVIRONMENT } from '../core/contract/environments.ts';
import { METRICS } from '../core/contract/metrics.ts';
import { NAMES } from '../core/contract/names.ts';
import { putEvent } from '../core/aws/events.ts';
import { isBranchName } from '../core/contract/branch-names.ts';
import { isOneOf } from './pushes/branches.ts';
import { claim, remember } from './webhook/deliveries.ts';
import { environment, pushBranches } from './starting/environment.ts';
import type { GitPush } from '../core/contract/events.ts';
import { type Answer, Refusal, type Request, answer, readJson, readRequest } from './webhook/http.ts';
import { count } from './starting/metrics.ts';
import { bitbucket } from './webhook/providers/bitbucket.ts';
import { github } from './webhook/providers/github.ts';
import { gitlab } from './webhook/providers/gitlab.ts';
import type { Provider, Push } from './webhook/providers/provider.ts';
import { repositoryName } from '../core/configuration/repository-url.ts';
import { someSecret } from './webhook/webhook-secrets.ts';

const PROVIDERS: readonly Provider[] = [github, gitlab, bitbucket];
const BRANCH = 'refs/heads/';

/** The webhook: turns a signed push of GitHub, GitLab or Bitbucket into one `Git Push` event. Bitbucket alone
 *  tells of several branches in one delivery, and each of them gets its event.
 *  In      the request of a function URL
 *  Out     202 accepted; 200 ignored (another event, a tag, a deleted branch, a branch that starts nothing, a delivery that
 *          has been dealt with); 400, 401, 403, 405 or 413 refused
 *  Errors  Throttled, AccessDenied, ConnectionLost, AnnouncementFailed …: the sender gets 502 and may send it again
 *  Repeat  safe: a delivery is dealt with once
 *  @see    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html */
export async function handler(event: unknown): Promise<Answer> {
  try {
    const { branches, ignored } = await receive(readRequest(event));
    if (ignored !== undefined) return answer(200, { outcome: 'ignored', why: ignored });
    return answer(202, { outcome: 'accepted', branches });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    count(METRICS.webhookRejected, { Status: String(error.status), Why: error.message });
    return answer(error.status, { outcome: 'refused', why: error.message });
  }
}

interface Received {
  readonly branches?: readonly string[];
  /** Why nothing happens. */
  readonly ignored?: string;
}

async function receive(request: Request): Promise<Received> {
  const provider = PROVIDERS.find((one) => one.recognises(request.headers));
  if (provider === undefined || !(await someSecret((secret) => provider.isSigned(request, secret))))
    throw new Refusal(401, 'The request has no valid signature of GitHub, GitLab or Bitbucket.');
  const id = provider.deliveryId(request.headers);
  const push = provider.readPush(request.headers, readJson(request));
  if (push === undefined) return { ignored: 'It is no push.' };
  const repository = ownRepository(push);
  const { started, ignored } = sorted(push);
  if (started.size === 0) return { ignored: ignored.join(' ') || 'No branch was changed.' };
  const fingerprint = provider.fingerprint(request);
  const delivery = `${provider.name}:${fingerprint}`;
  if (!(await claim(delivery))) return { ignored: `The delivery ${id} has been received before.` };
  for (const [branch, commit] of started) {
    const detail: GitPush = {
      provider: provider.name,
      repository,
      branch,
      commit,
      delivery: { id, fingerprint },
    };
    await putEvent(NAMES.gitPush, detail);
  }
  await remember(delivery);
  return { branches: [...started.keys()] };
}

/** @throws Refusal 403 for another repository than the factory's */
function ownRepository({ repositories }: Push): string {
  const own = repositoryName(environment(TRIGGER_ENVIRONMENT.repository));
  if (own !== undefined && repositories.some((url) => repositoryName(url) === own)) return own;
  throw new Refusal(403, 'The push is to another repository than the one in factory.yaml.');
}

/** The branches to start a release from, each with its commit, and one sentence for every other change. */
function sorted({ changes }: Push) {
  const allowed = pushBranches();
  const started = new Map<string, string>();
  const ignored = new Set<string>();
  for (const { ref, commit } of changes) {
    const branch = ref.startsWith(BRANCH) ? ref.slice(BRANCH.length) : undefined;
    if (branch === undefined) ignored.add('Only branches start a release.');
    else if (!isBranchName(branch)) throw new Refusal(400, `${JSON.stringify(ref)} is no name of a branch.`);
    else if (commit === null) ignored.add('A deleted branch starts no release.');
    else if (isOneOf(allowed, branch)) started.set(branch, commit);
    else ignored.add(`Only pushes to ${allowed.join(', ')} start a release.`);
  }
  return { started, ignored: [...ignored] };
}

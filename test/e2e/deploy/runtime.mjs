/** A Lambda runtime for Node: asks Lambda's runtime interface for one invocation after the other, and gives it to the handler.
 *  @see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { AWS_LAMBDA_RUNTIME_API, LAMBDA_TASK_ROOT = '', _HANDLER = '' } = process.env;
const invocations = `http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;
const [file = '', name = ''] = _HANDLER.split('.');
// What functions ask without the SDK, and so by its name: AWS's STS, and the place that shows statuses.
const ask = globalThis.fetch;
const elsewhere = [
  [`https://sts.${process.env.AWS_REGION}.amazonaws.com/`, `${process.env.AWS_ENDPOINT_URL}/`],
  [`${process.env.E2E_PROVIDER}/`, `${process.env.E2E_PROVIDER_STAND_IN}/`],
];
globalThis.fetch = (url, options) => {
  const asked = typeof url === 'string' ? url : url instanceof URL ? url.href : url.url;
  const [from = '', to = ''] = elsewhere.find(([of = '']) => asked.startsWith(of)) ?? [];
  return ask(asked.replace(from, to), options);
};
const { [name]: handler } = await import(pathToFileURL(join(LAMBDA_TASK_ROOT, `${file}.mjs`)).href);

for (;;) {
  const next = await fetch(`${invocations}/next`);
  const id = next.headers.get('lambda-runtime-aws-request-id');
  const context = {
    awsRequestId: id,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    invokedFunctionArn: next.headers.get('lambda-runtime-invoked-function-arn'),
    getRemainingTimeInMillis: () => Number(next.headers.get('lambda-runtime-deadline-ms')) - Date.now(),
  };
  try {
    const answer = await handler(await next.json(), context);
    await post(`${id}/response`, answer === undefined ? null : answer);
  } catch (error) {
    const {
      name: errorType,
      message: errorMessage,
      stack = '',
    } = error instanceof Error ? error : new Error(String(error));
    await post(`${id}/error`, { errorType, errorMessage, trace: stack.split('\n') });
  }
}

/**
 * @param {string} path
 * @param {unknown} document
 */
async function post(path, document) {
  await fetch(`${invocations}/${path}`, { method: 'POST', body: JSON.stringify(document) });
}

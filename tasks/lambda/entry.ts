/** What every bundle for Lambda begins with: the bundler puts the task's own file in place of this name. */
import { handler as task } from 'packleader-task';
import { withLogs } from '../with-logs.ts';

export const handler = withLogs(task);

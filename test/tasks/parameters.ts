/** The calls that publishing is made of. */
import {
  DeleteParameterCommand,
  GetParameterCommand,
  GetParameterHistoryCommand,
  GetParametersByPathCommand,
  PutParameterCommand,
} from '@aws-sdk/client-ssm';
import { RELEASE } from './example.ts';

export const VERSION = `/packleader/web/versions/${RELEASE.version}`;
export const LATEST = '/packleader/web/latest';

export const get = (Name: string) => new GetParameterCommand({ Name });
export const put = (Name: string, Value: string) =>
  new PutParameterCommand({ Name, Value, Type: 'String', DataType: 'aws:ec2:image', Overwrite: true });
export const remove = (Name: string) => new DeleteParameterCommand({ Name });
export const published = (NextToken?: string) =>
  new GetParametersByPathCommand({
    Path: '/packleader/web/versions',
    Recursive: false,
    ...(NextToken === undefined ? {} : { NextToken }),
  });
export const history = (NextToken?: string) =>
  new GetParameterHistoryCommand({ Name: LATEST, ...(NextToken === undefined ? {} : { NextToken }) });

/** Replies: a parameter's value, and the parameters of some versions. */
export const reads = (Value: string) => ({ Parameter: { Value } });
export const versions = (amis: Record<string, string>) => ({
  Parameters: Object.entries(amis).map(([version, Value]) => ({
    Name: `/packleader/web/versions/${version}`,
    Value,
  })),
});

/**
 * What AWS asks IAM besides the call itself, on behalf of whoever makes it: to pass a role on, and to use the key that a volume
 * is encrypted with. (requests.ts knows what is asked for the call.)
 */
import { DescribeImagesCommand, DescribeSnapshotsCommand } from '@aws-sdk/client-ec2';
import * as z from 'zod';
import type { Moto } from '../moto.ts';
import type { Request } from '../../invariants/permissions/evaluate.ts';
import type { Recognised } from './asked.ts';
import type { Inventories } from './read-back.ts';

const inputSchema = z
  .object({
    IamInstanceProfile: z.object({ Name: z.string() }),
    BlockDeviceMappings: z.array(z.object({ Ebs: z.object({ KmsKeyId: z.string() }).partial().optional() })),
  })
  .partial();

interface Besides {
  readonly call: Recognised;
  readonly input: z.infer<typeof inputSchema>;
  readonly inventories: Inventories;
}

/** @throws Error when what the call names was not deployed */
export function askedBesides(call: Recognised, inventories: Inventories): Request[] {
  const asks = BESIDES[`${call.service}:${call.operation}`];
  const everywhere = { 'aws:RequestedRegion': call.region };
  return (asks?.({ call, input: inputSchema.parse(call.input), inventories }) ?? []).map((request) => ({
    ...request,
    context: { ...everywhere, ...request.context },
  }));
}

const BESIDES: Readonly<Record<string, (besides: Besides) => Request[]>> = {
  'ec2:RunInstances': (besides) => [...passing(besides), ...encryptedVolumes(besides)],
};

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html */
function passing({ call, input, inventories }: Besides): Request[] {
  const name = input.IamInstanceProfile?.Name;
  if (name === undefined) return [];
  const profile = inventories.get(call.accountId)?.instanceProfiles.find((one) => one.name === name);
  if (!profile) throw new Error(`${call.accountId} has no instance profile ${name}.`);
  return profile.roles.map((resource) => ({
    action: 'iam:PassRole',
    resource,
    context: { 'iam:PassedToService': 'ec2.amazonaws.com' },
  }));
}

/** With a key of the account's own; AWS's key for EBS admits whoever may use EBS.
 *  @see https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html#ebs-encryption-permissions */
function encryptedVolumes({ call, input, inventories }: Besides): Request[] {
  const named = (input.BlockDeviceMappings ?? []).flatMap(({ Ebs }) => Ebs?.KmsKeyId ?? []);
  const keys = inventories.get(call.accountId)?.keys ?? [];
  const own = keys.filter(({ arn }) => named.includes(arn));
  return own.flatMap(({ arn }) => encrypting(arn, call.region));
}

function encrypting(resource: string, region: string): Request[] {
  const context = through('ec2', region);
  return [
    ...VOLUMES.map((action) => ({ action, resource, context })),
    { action: 'kms:CreateGrant', resource, context: { ...context, 'kms:GrantIsForAWSResource': 'true' } },
  ];
}

const copySchema = z.object({ SourceImageId: z.string(), SourceRegion: z.string() });

/** Of a copy, the key of what is copied: which that is, its own account knows alone. AWS's key for EBS admits nobody else.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/copy-ami-permissions.html */
export async function askedOfKeys(
  call: Recognised,
  moto: Moto,
  inventories: Inventories,
): Promise<Request[]> {
  if (call.service !== 'ec2' || call.operation !== 'CopyImage') return [];
  const { SourceImageId, SourceRegion: region } = copySchema.parse(call.input);
  const found = [...inventories.keys()].map(async (accountId) => {
    const ec2 = await moto.ec2({ accountId, region });
    const Filters = [{ Name: 'image-id', Values: [SourceImageId] }];
    const { Images = [] } = await ec2.send(new DescribeImagesCommand({ Owners: ['self'], Filters }));
    const SnapshotIds = Images.flatMap(({ BlockDeviceMappings = [] }) =>
      BlockDeviceMappings.flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []),
    );
    if (SnapshotIds.length === 0) return [];
    return (await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds }))).Snapshots ?? [];
  });
  const snapshots = (await Promise.all(found)).flat();
  if (snapshots.length === 0) throw new Error(`Nobody here has ${SourceImageId} in ${region}.`);
  return snapshots
    .flatMap(({ KmsKeyId }) => (KmsKeyId === undefined ? [] : encrypting(KmsKeyId, region)))
    .map((request) => ({ ...request, context: { 'aws:RequestedRegion': call.region, ...request.context } }));
}

const VOLUMES = [
  'kms:Decrypt',
  'kms:DescribeKey',
  'kms:GenerateDataKeyWithoutPlaintext',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
];

const through = (service: string, region: string): Readonly<Record<string, string>> => ({
  'kms:ViaService': `${service}.${region}.amazonaws.com`,
});

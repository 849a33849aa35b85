/**
 * Records what real Packer says where a second attempt may help, so that what the builds look for in its log is what it writes:
 *
 *     node test/buildspecs/packer-said/record.ts [builds]
 *
 * Packer and its amazon plugin are those of tools/packer.ts. `packer init` is answered by a stand-in for GitHub behind a proxy,
 * with a certificate made for it; `packer build` by a stand-in for EC2. Each answers until one request, and that one fails.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensurePacker } from '../../../tools/packer.ts';
import { portOf } from '../../fixtures/ports.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const here = import.meta.dirname;
const work = mkdtempSync(join(tmpdir(), 'packer-said-'));
const { command, environment } = await ensurePacker();

const TAGS = JSON.stringify([{ ref: 'refs/tags/v1.3.2' }]);
const SUMS = `${'0'.repeat(64)}  packer-plugin-amazon_v1.3.2_x5.0_linux_${process.arch === 'x64' ? 'amd64' : process.arch}.zip\n`;

/** GitHub, as it answers until `failing` is asked for. */
const github =
  (failing: RegExp, fail: Answer): Answer =>
  (request, response) => {
    const url = request.url ?? '';
    if (failing.test(url)) return fail(request, response);
    return void response.end(url.includes('/git/') ? TAGS : SUMS);
  };

const answering =
  (code: number, body: string, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    void response.writeHead(code, headers).end(body);
const hangUp: Answer = (request) => void request.socket.destroy();
const cutShort: Answer = (request, response) =>
  void response
    .writeHead(200, { 'content-length': '1000' })
    .write('the beginning', () => request.socket.destroy());

const LISTING = /\/git\/matching-refs/;
const SHA256 = /SHA256SUMS$/;
const ZIP = /\.zip$/;
const inAnHour = String(Math.floor(Date.now() / 1000) + 3600);
const LIMITED = { 'X-RateLimit-Limit': '60', 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': inAnHour };
const SECONDARY = JSON.stringify({
  message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
  documentation_url:
    'https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api',
});

const INITS: Readonly<Record<string, Answer>> = {
  'init-rate-limit': github(
    LISTING,
    answering(403, '{"message":"API rate limit exceeded for 203.0.113.7."}', LIMITED),
  ),
  'init-secondary-limit': github(LISTING, answering(403, SECONDARY)),
  'init-bad-gateway': github(LISTING, answering(502, '<html>502 Bad Gateway</html>')),
  'init-unavailable-sums': github(SHA256, answering(503, '')),
  'init-connection-lost': github(LISTING, hangUp),
  'init-connection-lost-zip': github(ZIP, hangUp),
  'init-zip-cut-short': github(ZIP, cutShort),
  'init-wrong-checksum': github(ZIP, answering(200, 'another file')),
  'init-bad-token': github(LISTING, answering(401, '{"message":"Bad credentials"}')),
  'init-absent': github(LISTING, answering(404, '{"message":"Not Found"}')),
};

const EC2: Readonly<Record<string, string>> = {
  DescribeRegions: '<regionInfo><item><regionName>eu-west-1</regionName></item></regionInfo>',
  DescribeImages:
    '<imagesSet><item><imageId>ami-0123456789abcdef0</imageId><imageState>available</imageState><name>base</name>' +
    '<rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/xvda</rootDeviceName><architecture>x86_64</architecture>' +
    '<virtualizationType>hvm</virtualizationType><imageOwnerId>111111111111</imageOwnerId></item></imagesSet>',
  DescribeSubnets:
    '<subnetSet><item><subnetId>subnet-0d0e0f0000000001a</subnetId><vpcId>vpc-0d0e0f00000000001</vpcId>' +
    '<availabilityZone>eu-west-1a</availabilityZone><availableIpAddressCount>9</availableIpAddressCount></item></subnetSet>',
  CreateKeyPair: '<keyName>k</keyName><keyMaterial>none</keyMaterial><keyPairId>key-1</keyPairId>',
  CreateSecurityGroup: '<return>true</return><groupId>sg-0d0e0f0000000001b</groupId>',
  DescribeSecurityGroups:
    '<securityGroupInfo><item><groupId>sg-0d0e0f0000000001b</groupId></item></securityGroupInfo>',
  AuthorizeSecurityGroupIngress: '<return>true</return>',
  CreateLaunchTemplate:
    '<launchTemplate><launchTemplateId>lt-0d0e0f0000000001c</launchTemplateId></launchTemplate>',
  DeleteLaunchTemplate:
    '<launchTemplate><launchTemplateId>lt-0d0e0f0000000001c</launchTemplateId></launchTemplate>',
  DeleteKeyPair: '<return>true</return>',
  DeleteSecurityGroup: '<return>true</return>',
  TerminateInstances: '<instancesSet/>',
};

/** EC2, as it answers whatever an action of `others` does not. */
const ec2 =
  (others: Readonly<Record<string, Answer | string>>): Answer =>
  (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const asked = new URLSearchParams(body);
      const action = asked.get('Action') ?? '';
      // The source AMI is there, and none has the name of the AMI to be.
      const isOfName = action === 'DescribeImages' && !asked.has('ImageId.1');
      const told = isOfName ? '<imagesSet/>' : (others[action] ?? EC2[action]);
      if (typeof told === 'function') return told(request, response);
      if (told === undefined) return refuse('InvalidAction', `no ${action} here`, 400)(request, response);
      const xmlns = 'http://ec2.amazonaws.com/doc/2016-11-15/';
      return void response.end(`<${action}Response xmlns="${xmlns}">${told}</${action}Response>`);
    });
  };

const refuse = (code: string, message: string, http: number): Answer =>
  answering(
    http,
    `<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>r-1</RequestID></Response>`,
  );

const instance = (state: string, why: string) =>
  `<item><instanceId>i-0d0e0f0000000001d</instanceId><instanceState><name>${state}</name></instanceState>${why}</item>`;
const ENDED =
  '<reason>Server.InsufficientInstanceCapacity: Insufficient capacity to satisfy instance request</reason><stateReason>' +
  '<code>Server.InsufficientInstanceCapacity</code><message>Server.InsufficientInstanceCapacity: Insufficient capacity to ' +
  'satisfy instance request</message></stateReason>';
const NONE =
  'We currently do not have sufficient m7i.large capacity in the Availability Zone you requested (eu-west-1a). Our system ' +
  'will be working on provisioning additional capacity. You can currently get m7i.large capacity by not specifying an ' +
  'Availability Zone in your request or choosing eu-west-1b, eu-west-1c.';
const fleetOf = (code: string, message: string) =>
  `<fleetId>fleet-1</fleetId><errorSet><item><errorCode>${code}</errorCode><errorMessage>${message}</errorMessage></item></errorSet>`;
const NO_SPOT = 'There is no Spot capacity available that matches your request.';

const NOT_PERMITTED =
  'The provided credentials do not have permission to create the service-linked role for EC2 Spot Instances.';

/** A Spot Instance that runs, and at whose address nobody answers any more. */
const RUNNING = {
  CreateFleet:
    '<fleetId>fleet-1</fleetId><errorSet/><fleetInstanceSet><item><instanceIds><item>i-0d0e0f0000000001d</item></instanceIds></item></fleetInstanceSet>',
  DescribeInstances: `<reservationSet><item><instancesSet>${instance('running', '<privateIpAddress>127.0.0.1</privateIpAddress><ipAddress>127.0.0.1</ipAddress>')}</instancesSet></item></reservationSet>`,
  CreateTags: '<return>true</return>',
};

const BUILDS: Readonly<Record<string, { readonly spot: string; readonly answer: Answer }>> = {
  'build-no-capacity': {
    spot: '',
    answer: ec2({ RunInstances: refuse('InsufficientInstanceCapacity', NONE, 500) }),
  },
  'build-unsupported-zone': {
    spot: '',
    answer: ec2({
      RunInstances: refuse(
        'Unsupported',
        'Your requested instance type (m7i.large) is not supported in your requested Availability Zone (eu-west-1a). ' +
          'Please retry your request by not specifying an Availability Zone or choosing eu-west-1b, eu-west-1c.',
        400,
      ),
    }),
  },
  'build-no-addresses': {
    spot: '',
    answer: ec2({
      RunInstances: refuse(
        'InsufficientFreeAddressesInSubnet',
        'There are not enough free addresses in subnet subnet-0d0e0f0000000001a to satisfy the requested number of instances.',
        400,
      ),
    }),
  },
  'build-ended-for-capacity': {
    spot: '',
    answer: ec2({
      RunInstances: `<instancesSet>${instance('pending', '')}</instancesSet>`,
      DescribeInstances: `<reservationSet><item><instancesSet>${instance('terminated', ENDED)}</instancesSet></item></reservationSet>`,
    }),
  },
  'build-quota': {
    spot: '',
    answer: ec2({
      RunInstances: refuse(
        'VcpuLimitExceeded',
        'You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket that the ' +
          'specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an ' +
          'adjustment to this limit.',
        400,
      ),
    }),
  },
  'build-no-spot-capacity': {
    spot: 'auto',
    answer: ec2({ CreateFleet: fleetOf('InsufficientInstanceCapacity', NO_SPOT) }),
  },
  'build-spot-quota': {
    spot: 'auto',
    answer: ec2({
      CreateFleet: refuse('MaxSpotInstanceCountExceeded', 'Max spot instance count exceeded', 400),
    }),
  },
  'build-spot-not-permitted': {
    spot: 'auto',
    answer: ec2({ CreateFleet: fleetOf('AuthFailure.ServiceLinkedRoleCreationNotPermitted', NOT_PERMITTED) }),
  },
  'build-interrupted': { spot: 'auto', answer: ec2(RUNNING) },
  'build-unfulfillable-spot': {
    spot: 'auto',
    answer: ec2({
      CreateFleet: fleetOf(
        'UnfulfillableCapacity',
        'Unable to fulfill capacity due to your request configuration. Please adjust your request and try again.',
      ),
    }),
  },
};

/** How soon a Spot Instance at whose address nobody answers is given up. */
const SOON = 'ssh_timeout = "3s"\n  ssh_port = 1';

const TEMPLATE = (port: number, spot: string) => `
packer {
  required_plugins {
    amazon = { source = "github.com/hashicorp/amazon", version = "= 1.3.2" }
  }
}
source "amazon-ebs" "image" {
  region               = "eu-west-1"
  custom_endpoint_ec2  = "http://127.0.0.1:${port}"
  access_key           = "a"
  secret_key           = "b"
  skip_credential_validation = true
  ami_name             = "image-1"
  source_ami           = "ami-0123456789abcdef0"
  instance_type        = "m7i.large"
  subnet_id            = "subnet-0d0e0f0000000001a"
  vpc_id               = "vpc-0d0e0f00000000001"
  ssh_username         = "ec2-user"
  ${spot === '' ? '' : SOON}
  spot_price           = "${spot}"
  run_tags             = { "packleader:release" = "image@1" }
  aws_polling {
    delay_seconds = 1
    max_attempts  = 5
  }
}
build {
  sources = ["source.amazon-ebs.image"]
}
`;

/** As a bake runs it. */
async function packer(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(command, args, {
    cwd: work,
    env: { ...env, CHECKPOINT_DISABLE: '1', PACKER_NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.on('close', resolve);
  const status = await promise;
  return `${said}exit status ${status}\n`;
}

async function listening(server: Server | ReturnType<typeof createSecureServer>): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  return portOf(server);
}

function keep(name: string, said: string): void {
  // What differs from one recording to the next says nothing.
  const steady = said
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:]+Z/g, '2026-11-21T09:30:00Z')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:40000')
    .replaceAll(/packer_[0-9a-f-]{36}/g, 'packer_00000000-0000-0000-0000-000000000000')
    .replaceAll(/(?<=after )\d+ \w+( \d+ \w+)?/g, '2 seconds')
    .replaceAll(/(?<=[Tt]ry again in |rate reset in )[\dms.]+\d+s/g, '59m59s')
    .replaceAll(work, '/work');
  writeFileSync(join(here, `${name}.txt`), steady);
  process.stdout.write(`--- ${name}\n${steady}`);
}

async function recordInits(): Promise<void> {
  const names = 'subjectAltName=DNS:api.github.com,DNS:github.com';
  execFileSync(
    'openssl',
    `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=github.com -addext ${names} -keyout key.pem -out cert.pem`.split(
      ' ',
    ),
    { cwd: work, stdio: 'ignore' },
  );
  const tls = { key: readFileSync(join(work, 'key.pem')), cert: readFileSync(join(work, 'cert.pem')) };
  for (const [name, answer] of Object.entries(INITS)) {
    const server = createSecureServer(tls, answer);
    const port = await listening(server);
    const proxy = createServer().on('connect', (_, client) => {
      const through = connect(port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        through.pipe(client).pipe(through);
      });
      for (const socket of [through, client]) socket.on('error', () => socket.destroy());
    });
    const env = {
      ...environment,
      PACKER_PLUGIN_PATH: join(work, 'plugins'),
      HTTPS_PROXY: `http://127.0.0.1:${await listening(proxy)}`,
      SSL_CERT_FILE: join(work, 'cert.pem'),
    };
    writeFileSync(join(work, 'image.pkr.hcl'), TEMPLATE(1, ''));
    keep(name, await packer(['init', '.'], env));
    for (const one of [server, proxy]) {
      one.closeAllConnections();
      one.close();
    }
  }
  // Nobody listens there.
  const env = {
    ...environment,
    PACKER_PLUGIN_PATH: join(work, 'plugins'),
    HTTPS_PROXY: 'http://127.0.0.1:1',
  };
  keep('init-no-connection', await packer(['init', '.'], env));
}

async function recordBuilds(): Promise<void> {
  for (const [name, { spot, answer }] of Object.entries(BUILDS)) {
    const server = createServer(answer);
    writeFileSync(join(work, 'image.pkr.hcl'), TEMPLATE(await listening(server), spot));
    keep(name, await packer(['build', '-color=false', '-timestamp-ui', '.'], environment));
    server.closeAllConnections();
    server.close();
  }
}

try {
  if (!process.argv.includes('builds')) await recordInits();
  await recordBuilds();
} finally {
  rmSync(work, { recursive: true });
}

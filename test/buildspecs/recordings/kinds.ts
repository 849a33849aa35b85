/**
 * Every kind of failure that is recorded, and how it is made. Packer, its plugin, the templates' scripts, apt, dnf, Ansible, sshd and
 * moto are the real ones. What none of them can do is played, and only that: the words of AWS by `answer` and `launch`, those of
 * Windows by `windows`. Each of these says where the words are from.
 */
export interface Answer {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export interface Kind {
  readonly name: string;
  readonly template: 'linux' | 'windows';
  /** In place of the template's own provisioning. */
  readonly provisioners?: string;
  /** What is put in the place of what in the template's source, such as a shorter wait. */
  readonly source?: Readonly<Record<string, string>>;
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Of `packer build`, besides. */
  readonly arguments?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
  /** Of the image, by their names in it. */
  readonly files?: Readonly<Record<string, string>>;
  /** An AMI of the name is there before. */
  readonly nameIsTaken?: true;
  /** What EC2 says to one action in place of moto. */
  readonly answer?: Readonly<Record<string, Answer>>;
  /** What becomes of the builder that was launched: its state and the reason that EC2 gives. */
  readonly launch?: { readonly state: string; readonly reason?: readonly [code: string, message: string] };
  /** What `powershell` prints on the builder, and its exit status. */
  readonly windows?: { readonly out?: string; readonly err?: string; readonly status: number };
}

const shell = (script: string): string => `provisioner "shell" {
    execute_command = local.as_root
    script          = "\${path.root}/${script}"
  }`;

/** Packages are installed without a word, so that a recording holds what it is about. */
const quietly = (packages: string): string => `provisioner "shell" {
    execute_command = local.as_root
    inline_shebang  = "/bin/sh -e"
    inline          = ["apt-get -qq update", "DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends ${packages} >/tmp/quiet 2>&1 || { cat /tmp/quiet; exit 1; }"]
  }`;

/** One playbook, run by the template's own script. */
const ansible = (environment: string): string => `${quietly('ansible-core python3-apt')}
  provisioner "shell" {
    inline         = ["mkdir /tmp/packleader"]
    inline_shebang = "/bin/sh -eu"
  }
  provisioner "file" {
    sources     = ["\${path.root}/ansible", "\${path.root}/playbooks"]
    destination = "/tmp/packleader/"
  }
  provisioner "shell" {
    execute_command = local.as_root
    inline_shebang  = "/bin/sh -e"
    inline          = ["mkdir --parents /opt/packleader /var/lib/packleader-bake", "cp -r /tmp/packleader/* /opt/packleader", "echo '{}' >/var/lib/packleader-bake/variables.json"]
  }
  provisioner "shell" {
    execute_command = local.as_root
    script          = "\${path.root}/bake/run-playbook.sh"
    env             = { PLAYBOOK = "/opt/packleader/playbooks/bake.yml"${environment} }
  }`;

const playbook = (tasks: string): NonNullable<Kind['files']> => ({
  'playbooks/bake.yml': `- name: Bake the image
  hosts: all
  become: false
  tasks:
    - name: Something that works
      ansible.builtin.file:
        path: /etc/motd
        state: touch
${tasks.replaceAll(/^/gm, '    ')}
`,
});

/** Packer's provisioner for PowerShell on a builder that is reached with SSH: what it prints does not depend on how. */
const powershell = (rest: string): string => `provisioner "shell" {
    inline_shebang = "/bin/sh -e"
    inline         = ["mkdir --parents c:/Windows/Temp", "cd /tmp; sudo tee /usr/local/bin/powershell >/dev/null; sudo chmod +x /usr/local/bin/powershell"]
    execute_command = "{{ .Vars }} {{ .Path }} <<'EOF'\\n\${file("\${path.root}/powershell.sh")}\\nEOF"
  }
  provisioner "powershell" {
    ${rest}
  }`;

/** The machine that answers a Windows builder's address. */
const REACHED_WITH_SSH = {
  'communicator   = "winrm"': 'communicator   = "ssh"\n  ssh_username   = "admin"',
  'temporary_key_pair_type  = "rsa"': 'temporary_key_pair_type  = "ed25519"',
  'disable_stop_instance = true': '',
};

/** Nothing answers there. */
const NOWHERE = '127.0.0.1';

const UNKNOWN_TERM = `Install-WindowsFeatures : The term 'Install-WindowsFeatures' is not recognized as the name of a cmdlet, function, script file, or operable program. Check the spelling of the name, or if a path was included, verify that the path is correct and try again.
At C:\\Windows\\Temp\\script-6747a1c0-1111-2222-3333-444444444444.ps1:3 char:1
+ Install-WindowsFeatures -Name Web-Server
+ ~~~~~~~~~~~~~~~~~~~~~~~
    + CategoryInfo          : ObjectNotFound: (Install-WindowsFeatures:String) [], CommandNotFoundException
    + FullyQualifiedErrorId : CommandNotFoundException
`;

const AGENT = 'C:\\Program Files\\Amazon\\EC2Launch\\EC2Launch.exe';

/** As in the template. */
const KEEPS_BUILDER = `
  error-cleanup-provisioner "shell" {
    only            = var.keep_minutes > 0 ? ["amazon-ebs.image"] : ["none"]
    script          = "\${path.root}/bake/keep-builder.sh"
    execute_command = local.as_root
    env             = { KEEP_MINUTES = var.keep_minutes }
    timeout         = "5m"
  }`;

export const KINDS: readonly Kind[] = [
  {
    name: 'shell',
    template: 'linux',
    provisioners: shell('install.sh'),
    files: {
      'install.sh':
        'set -o errexit\necho "Unpacking the agent."\ntar --extract --gzip --file /tmp/agent.tar.gz --directory /opt\n',
    },
  },
  {
    name: 'kept',
    template: 'linux',
    // The builder is a namespace without systemd: its shutdown is played.
    provisioners: shell('install.sh') + KEEPS_BUILDER,
    variables: { keep_minutes: 240 },
    arguments: ['-on-error=run-cleanup-provisioner'],
    files: {
      'install.sh': `set -o errexit
mkdir --parents /run/systemd/system /usr/local/sbin
printf '#!/bin/sh\\nexit 0\\n' >/usr/local/sbin/shutdown
chmod +x /usr/local/sbin/shutdown
tar --extract --gzip --file /tmp/agent.tar.gz --directory /opt
`,
    },
  },
  {
    name: 'not-kept',
    template: 'linux',
    provisioners: shell('install.sh') + KEEPS_BUILDER,
    files: { 'install.sh': 'tar --extract --gzip --file /tmp/agent.tar.gz --directory /opt\n' },
  },
  {
    name: 'shell-with-a-trap',
    template: 'linux',
    provisioners: shell('install.sh'),
    files: {
      'install.sh': `set -o errexit
trap 'for part in one two three four; do echo "Removing part $part."; done' EXIT
echo "Loading the agent."
python3 -c 'import urllib.request; urllib.request.urlopen("http://127.0.0.1:9/agent.tar.gz")'
`,
    },
  },
  {
    name: 'apt',
    template: 'linux',
    provisioners: shell('install.sh'),
    files: {
      'install.sh':
        'set -o errexit\napt-get -qq update\napt-get --quiet --yes install --no-install-recommends procps ngnix\n',
    },
  },
  {
    name: 'apt-without-network',
    template: 'linux',
    provisioners: shell('install.sh'),
    files: {
      'install.sh':
        'set -o errexit\nrm -f /etc/apt/apt.conf.d/00proxy\napt-get --quiet --yes -o Acquire::Retries=0 update\napt-get --quiet --yes install nginx\n',
    },
  },
  {
    name: 'dnf',
    template: 'linux',
    provisioners: `${quietly('dnf createrepo-c')}\n  ${shell('install.sh')}`,
    files: {
      'install.sh': `set -o errexit
mkdir --parents /srv/repository /etc/yum.repos.d
createrepo_c --quiet /srv/repository
printf '[local]\\nname=Local\\nbaseurl=file:///srv/repository\\ngpgcheck=0\\n' >/etc/yum.repos.d/local.repo
dnf --assumeyes install ngnix
`,
    },
  },
  {
    // The template as it is, from the first provisioner to the last that runs. Braces in a layer are no template of Packer.
    name: 'ansible',
    template: 'linux',
    variables: {
      patch: false,
      monitoring_agent: 'none',
      users: [{ name: 'alice', comment: '{{ nobody }}', authorized_keys: [], sudo: false }],
    },
    files: playbook('- name: Install the web server\n  ansible.builtin.apt:\n    name: ngnix'),
  },
  {
    name: 'ansible-command',
    template: 'linux',
    provisioners: ansible(''),
    files: playbook(
      `- name: Build the application\n  ansible.builtin.command:\n    cmd: python3 -c 'import sys; print("\\n".join("compiled module %d" % n for n in range(80))); sys.exit("module 81 has no source")'`,
    ),
  },
  {
    name: 'ansible-undefined',
    template: 'linux',
    provisioners: ansible(''),
    files: playbook(
      '- name: Say where the application is\n  ansible.builtin.copy:\n    dest: /etc/application\n    content: "{{ application_url }}"\n    mode: "0644"',
    ),
  },
  {
    name: 'ansible-loop',
    template: 'linux',
    provisioners: ansible(''),
    files: playbook(
      '- name: Remove what nobody needs\n  ansible.builtin.command:\n    cmd: "rmdir {{ item }}"\n  loop: [/var/empty-1, /etc]',
    ),
  },
  {
    name: 'ansible-module',
    template: 'linux',
    provisioners: ansible(''),
    files: playbook('- name: Open a port\n  ansible.posix.firewalld:\n    port: 443/tcp'),
  },
  {
    name: 'ansible-changed',
    template: 'linux',
    provisioners: ansible(', CHECK_IDEMPOTENCE = "true"'),
    files: playbook('- name: Say that the image is new\n  ansible.builtin.command:\n    cmd: "true"'),
  },
  {
    name: 'check',
    template: 'linux',
    provisioners: `provisioner "shell" {
    inline         = ["mkdir /tmp/packleader-checks"]
    inline_shebang = "/bin/sh -eu"
  }
  provisioner "file" {
    source      = "\${path.root}/own-checks/"
    destination = "/tmp/packleader-checks/"
  }
  provisioner "shell" {
    execute_command = local.as_root
    script          = "\${path.root}/bake/run-checks.sh"
    env             = { ARCHITECTURE = var.architecture, IMAGE = local.identity.image }
  }`,
    files: {
      'own-checks/image.sh': `check_hosts() {
  grep --quiet localhost /etc/hosts
}

check_nginx_is_installed() {
  dpkg --status nginx
}

check_root_is_there() {
  test -d /root
}
`,
    },
  },
  {
    name: 'provisioner-time-out',
    template: 'linux',
    provisioners: `provisioner "shell" {
    inline         = ["echo Waiting for the licence server.", "exec sleep 60"]
    inline_shebang = "/bin/sh -e"
    timeout        = "5s"
  }`,
  },
  {
    name: 'post-processor',
    template: 'linux',
    source: { '= 15\n': '= 1\n' },
    provisioners: `post-processor "shell-local" {
    inline = ["echo 'Nobody listens there.' >&2", "exit 3"]
  }`,
  },
  {
    name: 'source-file-missing',
    template: 'linux',
    provisioners: `provisioner "file" {
    source      = "\${path.root}/agent.tar.gz"
    destination = "/tmp/agent.tar.gz"
  }`,
  },
  {
    // PowerShell's words: github.com/hashicorp/packer/issues/5697, with the name of another command.
    name: 'powershell',
    template: 'windows',
    source: REACHED_WITH_SSH,
    provisioners: powershell('inline = ["Install-WindowsFeatures -Name Web-Server"]'),
    windows: { out: 'Installing the web server.\n', err: UNKNOWN_TERM, status: 1 },
  },
  {
    // The words of the template's own wait-for-signal.ps1.
    name: 'powershell-throws',
    template: 'windows',
    source: REACHED_WITH_SSH,
    provisioners: powershell('script = "${path.root}/bake/wait-for-signal.ps1"'),
    windows: {
      out: "WinRM listens on 5986.\nFAILED: The user data ended with 3. Look at C:\\packleader\\builder.log, at C:\\ProgramData\\Amazon\\EC2Launch\\log\\agent.log, or at the instance's console output.\n",
      status: 1,
    },
  },
  {
    // The words of the template's own run-checks.ps1.
    name: 'windows-check',
    template: 'windows',
    source: REACHED_WITH_SSH,
    provisioners: powershell('script = "${path.root}/bake/run-checks.ps1"'),
    windows: {
      out: `ok      Test-Firewall
FAILED  Test-Tentacle
        The Tentacle is not installed: C:\\Program Files\\Octopus Deploy\\Tentacle\\Tentacle.exe is missing.
ok      Test-Updates
3 checks, 1 failed
FAILED: 1 of 3 checks failed.
at <ScriptBlock>, C:\\Windows\\Temp\\script-6747a1c0-1111-2222-3333-444444444444.ps1: line 39
`,
      status: 1,
    },
  },
  {
    // The words of the template's own seal.ps1 and Packleader.psm1; setuperr.log as in Microsoft's own description of the error.
    name: 'sysprep-time-out',
    template: 'windows',
    source: REACHED_WITH_SSH,
    provisioners: powershell('script = "${path.root}/bake/seal.ps1"\n    skip_clean = true'),
    windows: {
      out: `FAILED: ${AGENT} has not ended after 1800 seconds. Look at C:\\Windows\\System32\\Sysprep\\Panther and C:\\ProgramData\\Amazon\\EC2Launch\\log.
--- C:\\Windows\\System32\\Sysprep\\Panther\\setuperr.log
2026-11-21 09:30:00, Error                 SYSPRP Package Microsoft.Example_1.0.0.0_x64__8wekyb3d8bbwe was installed for a user, but not provisioned for all users. This package will not function properly in the sysprep image.
2026-11-21 09:30:00, Error                 SYSPRP Failed to remove apps for the current user: 0x80073cf2.
`,
      status: 1,
    },
  },
  {
    name: 'winrm-time-out',
    template: 'windows',
    source: {
      'winrm_username = "Administrator"': `winrm_username = "Administrator"\n  winrm_password = "not-used"\n  winrm_host     = "${NOWHERE}"`,
      'winrm_port     = 5986': 'winrm_port     = 9',
      'winrm_timeout  = var.winrm_timeout': 'winrm_timeout  = "5s"',
    },
  },
  {
    name: 'password-time-out',
    template: 'windows',
    source: { 'windows_password_timeout = "20m"': 'windows_password_timeout = "5s"' },
  },
  {
    name: 'ssh-time-out',
    template: 'linux',
    source: { '"10m"': `"5s"\n  ssh_host                = "${NOWHERE}"\n  ssh_port                = 9` },
  },
  {
    name: 'ssh-login',
    template: 'linux',
    variables: { ssh_username: 'ubuntu' },
    source: { '"10m"': '"60s"\n  ssh_handshake_attempts  = 3' },
  },
  { name: 'name-taken', template: 'linux', nameIsTaken: true },
  { name: 'source-gone', template: 'linux', variables: { source_ami: 'ami-0deb1a00000000ff' } },
  {
    name: 'template',
    template: 'linux',
    files: { 'extra.pkr.hcl': 'locals {\n  broken = var.no_such_variable\n}\n' },
  },
  {
    // A tag that the layers give: Packer takes what is in braces for a template of its own.
    name: 'braces',
    template: 'linux',
    tags: { Note: 'rendered by {{ nobody }}' },
  },
  {
    // github.com/sourcegraph/sourcegraph-public-snapshot/issues/46617
    name: 'capacity',
    template: 'linux',
    answer: {
      RunInstances: {
        status: 500,
        code: 'InsufficientInstanceCapacity',
        message:
          'We currently do not have sufficient m7i.large capacity in the Availability Zone you requested (eu-west-1a). Our system will be working on provisioning additional capacity. You can currently get m7i.large capacity by not specifying an Availability Zone in your request or choosing eu-west-1b, eu-west-1c.',
      },
    },
  },
  {
    // https://github.com/ansible/workshops/issues/1792
    name: 'marketplace',
    template: 'linux',
    answer: {
      RunInstances: {
        status: 401,
        code: 'OptInRequired',
        message:
          'In order to use this AWS Marketplace product you need to accept terms and subscribe. To do so please visit https://aws.amazon.com/marketplace/pp?sku=3gruvlcso4s66wfg2mdzxg8z6',
      },
    },
  },
  {
    // github.com/bentoml/bentoctl/issues/202
    name: 'quota',
    template: 'linux',
    answer: {
      RunInstances: {
        status: 400,
        code: 'VcpuLimitExceeded',
        message:
          'You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.',
      },
    },
  },
  {
    // github.com/aws/karpenter-provider-aws/issues/7370; encoded messages are as long as this one, which is made up.
    name: 'scp',
    template: 'linux',
    answer: {
      RunInstances: {
        status: 403,
        code: 'UnauthorizedOperation',
        message: `You are not authorized to perform this operation. User: arn:aws:sts::111111111111:assumed-role/packleader-bake/AWSCodeBuild-0123abcd is not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:eu-west-1:111111111111:instance/* with an explicit deny in a service control policy. Encoded authorization failure message: ${'g4oZPBqZ4Bni8dE5dGjxYTnOZ_'.repeat(30)}`,
      },
    },
  },
  {
    // The older form, without a word on who denied it: github.com/hashicorp/packer/issues/12050
    name: 'not-authorized',
    template: 'linux',
    answer: {
      RunInstances: {
        status: 403,
        code: 'UnauthorizedOperation',
        message: `You are not authorized to perform this operation. Encoded authorization failure message: ${'nwq907YVpzYX_PetoTgwyisnhqdQ-'.repeat(30)}`,
      },
    },
  },
  {
    // github.com/hashicorp/packer/issues/12683
    name: 'kms-state',
    template: 'linux',
    launch: {
      state: 'terminated',
      reason: [
        'Client.InternalError',
        'Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state',
      ],
    },
  },
  {
    // Without a grant for the role EC2 says no more than this: github.com/hashicorp/packer/issues/9867
    name: 'kms-grant',
    template: 'linux',
    launch: {
      state: 'terminated',
      reason: ['Client.InternalError', 'Client.InternalError: Client error on launch'],
    },
  },
  {
    name: 'wait-exceeded',
    template: 'linux',
    source: { '= 15\n': '= 1\n', '= 240': '= 3' },
    launch: { state: 'pending' },
  },
];

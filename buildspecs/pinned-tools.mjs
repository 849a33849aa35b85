// Where a bake fetches the programs that its project pins. `packleader doctor` looks there before a bake has to.

/**
 * @param {string} version
 * @param {string} architecture as Node names it
 * @returns {string}
 */
export function packerUrl(version, architecture) {
  const name = `packer_${version}_linux_${architecture === 'x64' ? 'amd64' : architecture}.zip`;
  return `https://releases.hashicorp.com/packer/${version}/${name}`;
}

/**
 * @param {string} version
 * @param {string} architecture as Node names it
 * @returns {string}
 */
export function sessionManagerPluginUrl(version, architecture) {
  const platform = architecture === 'x64' ? 'linux_64bit' : 'linux_arm64';
  return `https://s3.amazonaws.com/session-manager-downloads/plugin/${version}/${platform}/session-manager-plugin.rpm`;
}

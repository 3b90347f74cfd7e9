/**
 * Returns the creation time of this code's deployment, epoch ms; null if the platform does not
 * tell.
 */
export function deployedAt({
  CF_VERSION_METADATA: metadata,
}: Partial<Pick<Env, "CF_VERSION_METADATA">>): number | null {
  const at = Date.parse(metadata?.timestamp ?? "");
  return Number.isNaN(at) ? null : at;
}

/**
 * The id of the deployed version, as claims name it. Empty if wrangler.toml does not bind version
 * metadata.
 */
export function deploymentOf({
  CF_VERSION_METADATA: metadata,
}: Partial<Pick<Env, "CF_VERSION_METADATA">>): {
  readonly deployment?: string;
} {
  return metadata === undefined ? {} : { deployment: metadata.id };
}

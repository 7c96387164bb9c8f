import { z } from 'zod'
import { secret, text } from './values.ts'

/** Whose requests to Amazon's services these are: the same names for every destination there. */
export const awsOptions = {
  profile: text('NAME').optional().meta({
    description: "section of AWS's configuration files to take credentials from (default: AWS_PROFILE)",
    example: 'logs',
  }),
  accessKeyId: text('ID').optional().meta({
    description: 'access key (default: wherever AWS looks: environment, profile, SSO, ECS, EKS, EC2)',
    example: 'AKIAIOSFODNN7EXAMPLE',
  }),
  secretAccessKey: secret()
    .optional()
    .meta({ description: "the access key's secret: env:NAME, file:/path, or the secret" }),
  sessionToken: secret()
    .optional()
    .meta({ description: 'session token of temporary credentials: env:NAME, file:/path, or the token' }),
} as const

const schema = z.object(awsOptions)

/** Those options, read. */
export type AwsOptions = z.output<typeof schema>

/** What can be seen to be wrong with them at start, in a sentence. */
export function awsProblem({ accessKeyId, secretAccessKey, sessionToken }: AwsOptions): string | undefined {
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined))
    return 'an access key and its secret go together: give access_key_id and secret_access_key'
  if (sessionToken !== undefined && accessKeyId === undefined) return 'a session token takes an access key'
  return undefined
}

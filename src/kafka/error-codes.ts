/** What to do about an error code of a produce response, as Kafka's protocol numbers them. */
export type ProduceVerdict =
  /** Accepted, now or the first time. */
  | 'accepted'
  /** The same bytes may be accepted later. */
  | 'retry'
  /** The same, once it is known who leads the partition now. */
  | 'stale'
  /** The broker has lost track of this producer: a new id, then again. */
  | 'identity'
  /** Refused for what is in it: half of it may be accepted. */
  | 'split'
  /** Nothing of this data's fault, and not transient. */
  | 'blocked'

const VERDICTS: ReadonlyMap<number, readonly [ProduceVerdict, string]> = new Map([
  [0, ['accepted', '']],
  [2, ['retry', 'CORRUPT_MESSAGE']],
  [3, ['stale', 'UNKNOWN_TOPIC_OR_PARTITION']],
  [5, ['stale', 'LEADER_NOT_AVAILABLE']],
  [6, ['stale', 'NOT_LEADER_OR_FOLLOWER']],
  [7, ['retry', 'REQUEST_TIMED_OUT']],
  [8, ['stale', 'BROKER_NOT_AVAILABLE']],
  [9, ['stale', 'REPLICA_NOT_AVAILABLE']],
  [10, ['split', 'MESSAGE_TOO_LARGE']],
  [13, ['stale', 'NETWORK_EXCEPTION']],
  [17, ['blocked', 'INVALID_TOPIC_EXCEPTION']],
  [18, ['split', 'RECORD_LIST_TOO_LARGE']],
  [19, ['retry', 'NOT_ENOUGH_REPLICAS']],
  [20, ['retry', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND']],
  [29, ['blocked', 'TOPIC_AUTHORIZATION_FAILED']],
  [31, ['blocked', 'CLUSTER_AUTHORIZATION_FAILED']],
  [32, ['split', 'INVALID_TIMESTAMP']],
  [43, ['blocked', 'UNSUPPORTED_FOR_MESSAGE_FORMAT']],
  [44, ['blocked', 'POLICY_VIOLATION']],
  [45, ['identity', 'OUT_OF_ORDER_SEQUENCE_NUMBER']],
  [46, ['accepted', 'DUPLICATE_SEQUENCE_NUMBER']],
  [47, ['identity', 'INVALID_PRODUCER_EPOCH']],
  [56, ['stale', 'KAFKA_STORAGE_ERROR']],
  [59, ['identity', 'UNKNOWN_PRODUCER_ID']],
  [74, ['stale', 'FENCED_LEADER_EPOCH']],
  [75, ['stale', 'UNKNOWN_LEADER_EPOCH']],
  [76, ['blocked', 'UNSUPPORTED_COMPRESSION_TYPE']],
  [87, ['split', 'INVALID_RECORD']],
  [89, ['retry', 'THROTTLING_QUOTA_EXCEEDED']],
  [90, ['identity', 'PRODUCER_FENCED']],
])

/** What a code means; one that is not known may pass. */
export const verdictOfCode = (code: number): ProduceVerdict => VERDICTS.get(code)?.[0] ?? 'retry'

/** Its name in Kafka's documentation. */
export const nameOfCode = (code: number): string => VERDICTS.get(code)?.[1] || `error ${code}`

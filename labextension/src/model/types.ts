/** What travels between the Jupyter server and us: sizes in bytes, durations in seconds. */

/** What is wrong and what to do next, in the server's own words. */
export interface IServerError {
  message: string;
  hint: string;
  kind: string;
}

/** What stands between the user and a first answer, if anything. */
export type ServerState =
  | 'ready'
  | 'no_server'
  | 'no_model'
  | 'only_demo'
  | 'engine';

export interface IHealth {
  host: string;
  why: string;
  is_embedded: boolean;
  version: string;
  model: { name: string; why: string } | null;
  is_read_only: boolean;
  can_pull: boolean;
  can_delete: boolean;
  allow_remote: boolean;
  settings: {
    context_tokens: number;
    show_thinking: boolean;
    system: string;
    options: Record<string, unknown>;
  };
  data_file: string;
  error: IServerError | null;
  state: ServerState;
}

export interface IModel {
  name: string;
  digest: string;
  size_bytes: number;
  family: string;
  parameter_size: string;
  quantization: string;
  context_length: number | null;
  /** Null: the server does not say. */
  capabilities: string[] | null;
  runs_elsewhere: boolean;
  is_demo: boolean;
  is_allowed: boolean;
  /** Why it cannot chat; empty if it can. */
  why_not: string;
  loaded: {
    where: string;
    expires_at: string | null;
    context_tokens: number | null;
    size_bytes: number;
  } | null;
  modified_at: string;
}

export interface IModelDetails extends IModel {
  parameters: Record<string, unknown>;
  system: string;
}

export interface IPull {
  id: string;
  model: string;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  status: string;
  done_bytes: number;
  total_bytes: number;
  bytes_per_second: number;
  seconds_left: number | null;
  error: IServerError | null;
}

export type AttachmentKind =
  | 'file'
  | 'cell'
  | 'selection'
  | 'output'
  | 'variable'
  | 'image';

export interface IAttachment {
  kind: AttachmentKind;
  name: string;
  text?: string;
  /** Base64 without a head. */
  image?: string;
}

export interface IStats {
  prompt_tokens: number;
  answer_tokens: number;
  total_seconds: number;
  load_seconds: number;
  prompt_eval_seconds: number;
  eval_seconds: number;
}

export type MessageState = 'done' | 'streaming' | 'stopped' | 'broken';

export interface IMessage {
  id: string;
  parent_id: string | null;
  role: 'system' | 'user' | 'assistant' | 'tool';
  text: string;
  thinking: string;
  attachments: IAttachment[];
  state: MessageState;
  model: string;
  stats: IStats | null;
  context_tokens: number | null;
  first_token_seconds: number | null;
  thought_seconds: number | null;
  notes: string[];
  error: IServerError | null;
  /** Every message of the same parent, itself included, oldest first. */
  siblings: string[];
  created_at: string;
}

export interface IConversationSummary {
  id: string;
  title: string;
  created_at: string;
  updated_at: string;
  message_count: number;
  excerpt: string;
  model: string;
}

export interface IConversation {
  id: string;
  title: string;
  created_at: string;
  updated_at: string;
  model: string;
  system: string;
  options: Record<string, unknown>;
  is_private: boolean;
  /** From the first message to `leaf_id`: the branch that is shown. */
  messages: IMessage[];
  leaf_id: string | null;
}

/** One line of an answer's stream. */
export type ChatLine =
  | {
      type: 'start';
      user_message: IMessage | null;
      message: IMessage;
      conversation: { id: string; title: string };
      notes: string[];
      context_tokens: number;
      model: string;
      why: string;
    }
  | { type: 'phase'; words: string; seconds: number }
  | { type: 'delta'; text?: string; thinking?: string }
  | { type: 'done'; message: IMessage }
  | { type: 'error'; error: IServerError; message: IMessage };

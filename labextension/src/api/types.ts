/**
 * The values that travel between this page and the Jupyter server, named as they are there:
 * sizes in bytes, durations in seconds, times in ISO 8601.
 */

/** What identifies a message; only ever compared. */
export type MessageId = number | string;

/** Ollama's options and levels of thinking, passed on as they are. */
export type Options = Record<string, unknown>;
export type Think = boolean | string;

/** How the server words a failure: what happened, what to do next, which class of error. */
export interface IFailure {
  message: string;
  hint: string;
  kind: string;
}

/** Whether prompts can be answered, and what stands in the way. */
export type HealthState =
  'ready' | 'no_server' | 'no_model' | 'only_demo' | 'engine';

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
  settings: IDefaults;
  data_file: string;
  error: IFailure | null;
  state: HealthState;
}

/** What holds where a chat says nothing else. */
export interface IDefaults {
  context_tokens: number;
  show_thinking: boolean;
  system: string;
  options: Options;
}

export interface IModel {
  name: string;
  digest: string;
  size_bytes: number;
  family: string;
  parameter_size: string;
  quantization: string;
  context_length: number | null;
  /** Null when the server does not say. */
  capabilities: string[] | null;
  runs_elsewhere: boolean;
  is_demo: boolean;
  is_allowed: boolean;
  /** Why it cannot be chosen; empty when it can. */
  why_not: string;
  loaded: ILoaded | null;
  modified_at: string;
}

export interface ILoaded {
  where: string;
  expires_at: string | null;
  context_tokens: number | null;
  size_bytes: number;
}

export interface IModelDetails extends IModel {
  architecture: string;
  /** Its first sentence. */
  license: string;
  template: string;
  parameters: Options;
  system: string;
}

/** The download of a model: a job on the Jupyter server, the same in every tab. */
export interface IPull {
  id: string;
  model: string;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  status: string;
  done_bytes: number;
  total_bytes: number;
  bytes_per_second: number;
  seconds_left: number | null;
  error: IFailure | null;
}

export type AttachmentKind =
  'file' | 'cell' | 'selection' | 'output' | 'variable' | 'image';

/** What was sent along with a message. */
export interface IAttachment {
  kind: AttachmentKind;
  name: string;
  text?: string;
  /** Base64. */
  image?: string;
}

export interface IStats {
  prompt_tokens: number | null;
  answer_tokens: number | null;
  total_seconds: number | null;
  load_seconds: number | null;
  prompt_eval_seconds: number | null;
  eval_seconds: number | null;
}

export type MessageState = 'done' | 'streaming' | 'stopped' | 'broken';

export interface IMessage {
  id: MessageId;
  parent_id: MessageId | null;
  role: 'user' | 'assistant' | 'system' | 'tool';
  text: string;
  thinking: string;
  attachments: IAttachment[];
  state: MessageState;
  model: string;
  stats: IStats | null;
  context_tokens: number | null;
  first_token_seconds: number | null;
  thought_seconds: number | null;
  /** Sentences for the footer, such as how many messages were left out. */
  notes: string[];
  error: IFailure | null;
  /** The branches at this place, this one included, oldest first. */
  siblings: MessageId[];
  created_at: string;
}

export interface IConversation {
  id: string;
  title: string;
  created_at: string;
  updated_at: string;
  model: string;
  system: string;
  options: Options;
  is_private: boolean;
  messages: IMessage[];
  /** The last message of the branch on show; null in an empty chat. */
  leaf_id: MessageId | null;
}

/** What deleting a message gives: the chat without it. */
export interface IDeletion extends IConversation {
  /** What brings it back. */
  undo_token: MessageId;
  /** How many messages went, in all branches below it. */
  deleted_count: number;
}

/** What an import gives: its first chat, and the ids of all. */
export interface IImported extends IConversation {
  imported_ids: string[];
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

export interface IConversationPage {
  conversations: IConversationSummary[];
  total: number;
  /** What a person must know of the file of chats: that it was set aside, and where it is. */
  notice: string;
}

/** What a new chat begins with; what is left out is the server's default. */
export interface INewConversation {
  title?: string;
  model?: string;
  system?: string;
  options?: Options;
  is_private?: boolean;
}

export interface IConversationChange {
  title?: string;
  model?: string;
  system?: string;
  options?: Options;
  /** Shows the branch this message is in. */
  leaf_id?: MessageId;
}

export type ExportFormat = 'markdown' | 'notebook' | 'json';

export interface IExport {
  name: string;
  content: string;
}

/** One prompt. What is left out is the chat's own or the server's default. */
export interface IChatRequest {
  conversation_id?: string;
  /** A chat that is stored nowhere sends its messages along. */
  private?: { messages: IMessage[] };
  parent_id: MessageId | null;
  text: string;
  /** Base64. */
  images?: string[];
  attachments?: IAttachment[];
  model?: string;
  system?: string;
  options?: Options;
  think?: Think;
  /** A new answer to `parent_id`, which is a user's message; `text` is ignored. */
  regenerate?: boolean;
  /** The answer goes on when its page is closed. */
  keep_running?: boolean;
  /** What the answer can be stopped by before it has a message. */
  key?: string;
}

export interface IStartLine {
  type: 'start';
  /** Null when an answer is made anew. */
  user_message: IMessage | null;
  message: IMessage;
  conversation: { id: string; title: string };
  notes: string[];
  context_tokens: number;
  model: string;
  why: string;
}

/** Nothing came for a while: what is going on, and since when. */
export interface IPhaseLine {
  type: 'phase';
  words: string;
  seconds: number;
}

export interface IDeltaLine {
  type: 'delta';
  text?: string;
  thinking?: string;
}

export interface IDoneLine {
  type: 'done';
  message: IMessage;
}

export interface IErrorLine {
  type: 'error';
  error: IFailure;
  /** Holds what came before the failure. */
  message: IMessage | null;
}

/** The lines of an answer: start, then phases and deltas, then exactly one of done and error. */
export type ChatLine =
  IStartLine | IPhaseLine | IDeltaLine | IDoneLine | IErrorLine;

export interface IGenerateRequest {
  model: string;
  prompt: string;
  suffix?: string;
  options?: Options;
}

/** The lines of a completion for the editor. */
export type GenerateLine =
  | { type: 'delta'; text: string }
  | { type: 'done'; stats: IStats | null }
  | { type: 'error'; error: IFailure };

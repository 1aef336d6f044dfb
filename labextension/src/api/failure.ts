import { english, type ITranslate } from '../translation';
import type { IFailure } from './types';

/**
 * A request that did not do what it was for.
 *
 * `message`, `hint` and `kind` are the server's own; `kind` is the class of error there. Only what
 * the server cannot say is worded here: that it does not answer, or no longer knows this page.
 */
export class ApiError extends Error implements IFailure {
  constructor(failure: IFailure, status = 0) {
    super(failure.message);
    this.name = 'ApiError';
    this.hint = failure.hint;
    this.kind = failure.kind;
    this.status = status;
  }

  readonly hint: string;
  readonly kind: string;
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;

  /** What a view shows. */
  toFailure(): IFailure {
    return { message: this.message, hint: this.hint, kind: this.kind };
  }
}

/** Kinds of failures that only this side can see. */
export namespace FailureKinds {
  export const noAnswer = 'NoAnswer';
  export const signedOut = 'SignedOut';
  export const notInstalled = 'NotInstalled';
  export const streamBroken = 'StreamBroken';
  export const unknown = 'Unknown';
}

/** Nothing came from the Jupyter server. */
export function noAnswer(trans: ITranslate = english): ApiError {
  return new ApiError({
    message: trans.__('The Jupyter server does not answer.'),
    hint: trans.__('See that it is running, then try again.'),
    kind: FailureKinds.noAnswer
  });
}

/** The lines of an answer ended, or stopped coming, without their last one. */
export function streamBroken(
  hasBegun: boolean,
  trans: ITranslate = english
): ApiError {
  return new ApiError({
    message: hasBegun
      ? trans.__('The Jupyter server broke off in the middle of the answer.')
      : trans.__(
          'The Jupyter server broke off before the first word of the answer.'
        ),
    hint: trans.__('See that it is running, then try again.'),
    kind: FailureKinds.streamBroken
  });
}

/** Read the failure out of a response; `body` may be anything a proxy makes up. */
export function failureOf(
  status: number,
  body: string,
  trans: ITranslate = english
): ApiError {
  const failure = parse(body);
  const kind = failure?.kind ?? 'Unauthorized';
  if (status === 401 || (status === 403 && kind === 'Unauthorized')) {
    return new ApiError(
      {
        message: trans.__(
          'This page is no longer signed in to the Jupyter server.'
        ),
        hint: trans.__('Load the page again.'),
        kind: FailureKinds.signedOut
      },
      status
    );
  }
  if (failure) {
    return new ApiError(failure, status);
  }
  if (status === 404) {
    return new ApiError(
      {
        message: trans.__('This Jupyter server runs without ollama-lab.'),
        hint: trans.__(
          'Install it where the server runs with: pip install ollama-lab; then start the server again.'
        ),
        kind: FailureKinds.notInstalled
      },
      status
    );
  }
  return new ApiError(
    {
      message: trans.__('The Jupyter server answers with status %1.', status),
      hint: trans.__('Its log says why.'),
      kind: FailureKinds.unknown
    },
    status
  );
}

/** Give any thrown thing as what a view shows. */
export function asFailure(
  error: unknown,
  trans: ITranslate = english
): IFailure {
  if (error instanceof ApiError) {
    return error.toFailure();
  }
  return {
    message: error instanceof Error ? error.message : String(error),
    hint: trans.__('The console of the browser says more.'),
    kind: FailureKinds.unknown
  };
}

function parse(body: string): IFailure | null {
  try {
    const value: unknown = JSON.parse(body);
    // Jupyter's own errors have a message, too, but no kind.
    return isFailure(value) ? value : null;
  } catch {
    return null;
  }
}

function isFailure(value: unknown): value is IFailure {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['message', 'hint', 'kind'].every(
      name => typeof (value as Record<string, unknown>)[name] === 'string'
    )
  );
}

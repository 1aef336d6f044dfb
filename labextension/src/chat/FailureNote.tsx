import type { ReactElement, ReactNode } from 'react';

import type { IFailure } from '../api/types';

/** What is wrong and what to do next, in the server's words; buttons go inside. */
export function FailureNote({
  failure,
  children
}: {
  failure: IFailure;
  children?: ReactNode;
}): ReactElement {
  return (
    <div className="jp-OllamaLabChat-failure">
      <p>{failure.message}</p>
      {failure.hint && <p className="jp-OllamaLabChat-hint">{failure.hint}</p>}
      {children}
    </div>
  );
}

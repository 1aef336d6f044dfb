import type { ReactElement, ReactNode } from 'react';

import { FailureKinds } from '../api/failure';
import type { IFailure } from '../api/types';
import { useServices } from './services';

/** What is wrong and what to do next, in the server's words; buttons go inside. */
export function FailureNote({
  failure,
  children
}: {
  failure: IFailure;
  children?: ReactNode;
}): ReactElement {
  const { reload, trans, view } = useServices();
  return (
    <div className="jp-OllamaLabChat-failure">
      <p>{failure.message}</p>
      {failure.hint && <p className="jp-OllamaLabChat-hint">{failure.hint}</p>}
      {children}
      {failure.kind === FailureKinds.signedOut && (
        <button
          type="button"
          className="jp-OllamaLabChat-text"
          onClick={reload}
        >
          {trans.__('Load the page again')}
        </button>
      )}
      {failure.kind === 'ModelNotFound' && view.page === 'chat' && (
        <button
          type="button"
          className="jp-OllamaLabChat-text"
          onClick={() => view.show('models')}
        >
          {trans.__('Choose a model')}
        </button>
      )}
    </div>
  );
}

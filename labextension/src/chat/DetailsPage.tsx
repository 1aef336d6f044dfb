import type { TranslationBundle } from '@jupyterlab/translation';
import { useEffect, type ReactElement } from 'react';

import type { ILoaded, IModelDetails } from '../api/types';
import { formatBytes, formatCount } from '../model/format';
import { FailureNote } from './FailureNote';
import { PageFrame } from './PageFrame';
import { useServices } from './services';
import { useSignal } from './signals';

/** What one model is, as the server knows it. */
export function DetailsPage(): ReactElement {
  const { catalog, trans, view } = useServices();
  useSignal(catalog.changed);
  const name = view.model;
  useEffect(() => void catalog.describe(name), [catalog, name]);
  const { details, detailsFailure } = catalog;
  return (
    <PageFrame
      title={name}
      back={{
        name: trans.__('Back to the models'),
        go: () => view.show('models')
      }}
    >
      {detailsFailure && <FailureNote failure={detailsFailure} />}
      {!details && !detailsFailure && <p>{trans.__('Looking it up…')}</p>}
      {details && <Details model={details} />}
    </PageFrame>
  );
}

function Details({ model }: { model: IModelDetails }): ReactElement {
  const { catalog, trans } = useServices();
  // The list is asked anew when a model is loaded or unloaded.
  const listed = catalog.find(model.name) ?? model;
  const facts = factsOf({ ...model, loaded: listed.loaded }, trans);
  const parameters = Object.entries(model.parameters);
  return (
    <>
      {model.why_not && (
        <p className="jp-OllamaLabChat-hint">{model.why_not}</p>
      )}
      <dl className="jp-OllamaLabChat-facts">
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Folded
        title={trans.__('Its own parameters')}
        text={parameters
          .map(([key, value]) => `${key} ${JSON.stringify(value)}`)
          .join('\n')}
      />
      <Folded title={trans.__('Its system prompt')} text={model.system} />
      <Folded title={trans.__('Its template')} text={model.template} />
    </>
  );
}

/** A longer text behind its title; nothing where there is none. */
function Folded({
  title,
  text
}: {
  title: string;
  text: string;
}): ReactElement | null {
  return text ? (
    <details className="jp-OllamaLabChat-folded">
      <summary>{title}</summary>
      <pre className="jp-OllamaLabChat-foldedText">{text}</pre>
    </details>
  ) : null;
}

function factsOf(
  model: IModelDetails,
  trans: TranslationBundle
): [string, string][] {
  const facts: [string, string][] = [
    [trans.__('Architecture'), model.architecture || model.family],
    [trans.__('Size'), model.parameter_size],
    [trans.__('Quantization'), model.quantization],
    [
      trans.__('Context window'),
      model.context_length
        ? trans.__('%1 tokens', formatCount(model.context_length))
        : ''
    ],
    [trans.__('Can do'), model.capabilities?.join(', ') ?? ''],
    [
      trans.__('On disk'),
      model.size_bytes ? formatBytes(model.size_bytes, trans) : ''
    ],
    [trans.__('In memory'), memoryOf(model.loaded, trans)],
    [trans.__('License'), model.license],
    [trans.__('Digest'), model.digest]
  ];
  return facts.filter(([, value]) => value !== '');
}

/** Where a model is loaded, and until when. */
function memoryOf(loaded: ILoaded | null, trans: TranslationBundle): string {
  if (!loaded) {
    return trans.__('no');
  }
  const size = formatBytes(loaded.size_bytes, trans);
  if (loaded.expires_at === null) {
    return trans.__('on %1, %2, until it is unloaded', loaded.where, size);
  }
  const until = new Date(loaded.expires_at).toLocaleTimeString();
  return trans.__('on %1, %2, until %3', loaded.where, size, until);
}

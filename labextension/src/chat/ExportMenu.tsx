import type { ReactElement } from 'react';

import type { ExportFormat } from '../api/types';
import { download } from './download';
import { useServices } from './services';

/** The formats a chat can be saved in. */
export function ExportMenu({
  id,
  onDone
}: {
  id: string;
  onDone: () => void;
}): ReactElement {
  const { history, trans } = useServices();
  const formats: [ExportFormat, string][] = [
    ['markdown', trans.__('Markdown')],
    ['notebook', trans.__('Notebook')],
    ['json', trans.__('JSON')]
  ];
  return (
    <div
      className="jp-OllamaLabChat-row"
      role="group"
      aria-label={trans.__('Export as')}
    >
      {formats.map(([format, label]) => (
        <button
          type="button"
          key={format}
          className="jp-OllamaLabChat-text"
          onClick={() => void save(format)}
        >
          {label}
        </button>
      ))}
    </div>
  );

  async function save(format: ExportFormat): Promise<void> {
    const file = await history.exported(id, format);
    if (file) {
      download(file.name, file.content);
    }
    onDone();
  }
}

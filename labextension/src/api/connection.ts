import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { ITranslate } from '../translation';
import { Client } from './client';
import { StreamSlots } from './slots';

/** A client for the Jupyter server of a page, with its token and its base URL. */
export function connect(
  settings: ServerConnection.ISettings,
  trans?: ITranslate
): Client {
  const base = URLExt.join(settings.baseUrl, 'ollama-lab', 'api');
  // Absent outside of https and localhost, whatever its type says.
  const locks = (navigator as Partial<Navigator>).locks;
  return new Client({
    request: (path, init) =>
      ServerConnection.makeRequest(`${base}/${path}`, init, settings),
    slots: new StreamSlots({ ...(locks ? { locks } : {}) }),
    ...(trans ? { trans } : {})
  });
}

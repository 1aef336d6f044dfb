import { PathExt } from '@jupyterlab/coreutils';
import type { Contents } from '@jupyterlab/services';

import type { IAttachment } from '../api/types';

const IMAGE = /\.(?:png|jpe?g|webp|gif|bmp)$/i;

/** Read a file of the Jupyter server. */
export async function readPath(
  contents: Contents.IManager,
  path: string
): Promise<IAttachment> {
  const name = PathExt.basename(path);
  if (IMAGE.test(name)) {
    const file = await contents.get(path, { type: 'file', format: 'base64' });
    return {
      kind: 'image',
      name,
      image: String(file.content).replace(/\s/g, '')
    };
  }
  const file = await contents.get(path, { type: 'file', format: 'text' });
  return { kind: 'file', name, text: String(file.content) };
}

/** Read a file that was dropped or pasted. */
export async function readFile(file: File): Promise<IAttachment> {
  if (file.type.startsWith('image/')) {
    return {
      kind: 'image',
      name: file.name,
      image: base64(await file.arrayBuffer())
    };
  }
  return { kind: 'file', name: file.name, text: await file.text() };
}

function base64(buffer: ArrayBuffer): string {
  let binary = '';
  for (const byte of new Uint8Array(buffer)) {
    binary += String.fromCharCode(byte);
  }
  return btoa(binary);
}

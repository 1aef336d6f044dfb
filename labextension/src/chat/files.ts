import { PathExt } from '@jupyterlab/coreutils';
import { ServerConnection, type Contents } from '@jupyterlab/services';

import type { IAttachment } from '../api/types';

/** Larger files would stop the page while they are read. */
export const LARGEST_BYTES = 20_000_000;

const IMAGE = /\.(?:png|jpe?g|webp|gif|bmp)$/i;

/** Why something cannot be attached. */
export type Why =
  'binary' | 'empty' | 'folder' | 'gone' | 'image' | 'large' | 'unanswered';

/** A file that cannot be attached. */
export class Unreadable extends Error {
  constructor(readonly why: Why) {
    super(why);
  }
}

/** Read a file of the Jupyter server. */
export async function readPath(
  contents: Contents.IManager,
  path: string
): Promise<IAttachment> {
  const name = PathExt.basename(path);
  try {
    const known = await contents.get(path, { content: false });
    if (known.type === 'directory') {
      throw new Unreadable('folder');
    }
    checkSize(known.size ?? 1);
    const isImage = IMAGE.test(name);
    const file = await contents.get(path, {
      type: 'file',
      // Left out, it is false here.
      content: true,
      format: isImage ? 'base64' : 'text'
    });
    const content = String(file.content);
    return isImage
      ? await imageOf(name, content.replace(/\s/g, ''))
      : textOf(name, content);
  } catch (error) {
    throw serverSays(error);
  }
}

/** Read a file that was dropped or pasted. */
export async function readFile(file: File): Promise<IAttachment> {
  const { name, type } = file;
  checkSize(file.size);
  let buffer: ArrayBuffer;
  try {
    buffer = await file.arrayBuffer();
  } catch {
    // A folder says the same.
    throw new Unreadable('gone');
  }
  if (type.startsWith('image/') && type !== 'image/svg+xml') {
    return imageOf(name, await base64(new Blob([buffer])));
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(buffer);
  } catch {
    throw new Unreadable('binary');
  }
  return textOf(name, text);
}

function checkSize(bytes: number): void {
  if (bytes === 0) {
    throw new Unreadable('empty');
  }
  if (bytes > LARGEST_BYTES) {
    throw new Unreadable('large');
  }
}

function textOf(name: string, text: string): IAttachment {
  if (text.trim() === '') {
    throw new Unreadable('empty');
  }
  if (text.includes('\0')) {
    throw new Unreadable('binary');
  }
  return { kind: 'file', name, text };
}

/** An image that can be drawn: one that cannot would be refused with the whole message. */
async function imageOf(name: string, image: string): Promise<IAttachment> {
  try {
    const bytes = Uint8Array.from(atob(image), char => char.charCodeAt(0));
    (await createImageBitmap(new Blob([bytes]))).close();
  } catch {
    throw new Unreadable('image');
  }
  return { kind: 'image', name, image };
}

/** The browser's own way: a loop over millions of bytes would be felt. */
function base64(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => {
      const url = typeof reader.result === 'string' ? reader.result : '';
      resolve(url.slice(url.indexOf(',') + 1));
    };
    reader.onerror = () => reject(new Unreadable('gone'));
    reader.readAsDataURL(blob);
  });
}

function serverSays(error: unknown): unknown {
  if (error instanceof ServerConnection.ResponseError) {
    const { status } = error.response;
    const why: Why =
      status === 404 ? 'gone' : status === 400 ? 'binary' : 'unanswered';
    return new Unreadable(why);
  }
  return error;
}

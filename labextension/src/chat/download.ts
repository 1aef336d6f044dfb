/** Let the browser save a text as a file. */
export function download(name: string, content: string): void {
  const url = URL.createObjectURL(
    new Blob([content], { type: 'application/octet-stream' })
  );
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

import type { TranslationBundle } from '@jupyterlab/translation';
import {
  addBelowIcon,
  copyIcon,
  moveDownIcon,
  redoIcon,
  type LabIcon
} from '@jupyterlab/ui-components';

import type { NotebookDesk } from '../cells/notebook';

/** Make the row of buttons of a finished code block; nothing of it runs code. */
export function codeBar(
  code: string,
  { desk, trans, onCopy }: ICodeBarOptions
): HTMLElement {
  const bar = document.createElement('div');
  bar.className = 'jp-OllamaLabChat-codebar';
  bar.setAttribute('role', 'group');
  bar.setAttribute('aria-label', trans.__('Code block'));
  bar.append(button(copyIcon, trans.__('Copy code'), () => onCopy(code)));
  if (desk) {
    const places: [LabIcon, string, () => void][] = [
      [
        addBelowIcon,
        trans.__('Insert below the active cell'),
        () => desk.insertBelow(code)
      ],
      [
        redoIcon,
        trans.__('Replace the active cell'),
        () => void desk.replaceActive(code)
      ],
      [
        moveDownIcon,
        trans.__('Add as a new cell at the end'),
        () => desk.append(code)
      ]
    ];
    for (const [icon, name, press] of places) {
      const place = button(icon, name, press);
      // Hidden by the style sheet while there is no notebook to put code into.
      place.classList.add('jp-mod-needsNotebook');
      bar.append(place);
    }
  }
  return bar;
}

export interface ICodeBarOptions {
  desk: NotebookDesk | null;
  trans: TranslationBundle;
  onCopy: (text: string) => void;
}

function button(icon: LabIcon, name: string, press: () => void): HTMLElement {
  const made = document.createElement('button');
  made.type = 'button';
  made.className = 'jp-OllamaLabChat-icon';
  made.title = name;
  made.setAttribute('aria-label', name);
  made.append(icon.element({ tag: 'span' }));
  made.addEventListener('click', press);
  return made;
}

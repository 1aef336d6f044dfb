import type { ICommandPalette } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import type { NotebookDesk } from '../cells/notebook';
import { CommandIDs } from '../tokens';
import { goToCodeBlock } from './codeblocks';
import type { ChatPanel } from './panel';

const NO_ARGUMENTS = { args: { type: 'object', properties: {} } } as const;

/** The chat's own commands, in the palette as well. */
export function addChatCommands({
  commands,
  desk,
  open,
  palette,
  panel,
  trans
}: IChatCommandsOptions): void {
  commands.addCommand(CommandIDs.openChat, {
    label: trans.__('Open Ollama Chat'),
    caption: trans.__('Show the chat with local models'),
    describedBy: NO_ARGUMENTS,
    execute: open
  });
  commands.addCommand(CommandIDs.newChat, {
    label: trans.__('New Ollama Chat'),
    caption: trans.__('Begin an empty chat'),
    describedBy: NO_ARGUMENTS,
    execute: async () => {
      open();
      const { session, view } = await panel.load();
      session.startNew();
      view.show('chat');
    }
  });
  commands.addCommand(CommandIDs.stop, {
    label: trans.__('Stop the Answer'),
    caption: trans.__('End the answer that runs in the chat'),
    describedBy: NO_ARGUMENTS,
    isEnabled: () => panel.loaded?.session.chat.isBusy ?? false,
    execute: () => panel.loaded?.session.chat.stop()
  });
  commands.addCommand(CommandIDs.nextCodeBlock, {
    label: trans.__('Next Code Block of the Ollama Chat'),
    caption: trans.__('Go to the buttons of the next code block'),
    describedBy: NO_ARGUMENTS,
    isEnabled: () => panel.isVisible,
    execute: () => goToCodeBlock(panel.node, 1)
  });
  commands.addCommand(CommandIDs.previousCodeBlock, {
    label: trans.__('Previous Code Block of the Ollama Chat'),
    caption: trans.__('Go to the buttons of the code block before'),
    describedBy: NO_ARGUMENTS,
    isEnabled: () => panel.isVisible,
    execute: () => goToCodeBlock(panel.node, -1)
  });
  const ids: string[] = [
    CommandIDs.openChat,
    CommandIDs.newChat,
    CommandIDs.stop,
    CommandIDs.nextCodeBlock,
    CommandIDs.previousCodeBlock
  ];
  if (desk) {
    commands.addCommand(CommandIDs.attachSelection, {
      label: trans.__('Attach the Selection to the Ollama Chat'),
      caption: trans.__('What is selected in the active cell, or all of it'),
      describedBy: NO_ARGUMENTS,
      isEnabled: () => desk.isOpen,
      execute: async () => {
        const attachment = desk.selection() ?? desk.activeCell();
        open();
        const { attacher, view } = await panel.load();
        view.show('chat');
        if (attachment) {
          attacher.add(attachment);
        }
      }
    });
    ids.push(CommandIDs.attachSelection);
  }
  for (const command of ids) {
    palette?.addItem({ command, category: trans.__('Ollama') });
  }
}

export interface IChatCommandsOptions {
  commands: CommandRegistry;
  desk: NotebookDesk | null;
  /** Shows the panel and gives it the focus. */
  open: () => void;
  palette: ICommandPalette | null;
  panel: ChatPanel;
  trans: TranslationBundle;
}

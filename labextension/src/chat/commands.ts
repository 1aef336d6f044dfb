import type { ICommandPalette } from '@jupyterlab/apputils';
import type { CommandRegistry } from '@lumino/commands';

import { CommandIDs } from '../tokens';
import type { IChatServices } from './services';

const NO_ARGUMENTS = { args: { type: 'object', properties: {} } } as const;

/** The chat's own commands, in the palette as well. */
export function addChatCommands({
  commands,
  open,
  palette,
  services
}: IChatCommandsOptions): void {
  const { desk, attacher, session, trans, view } = services;
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
    execute: () => {
      session.startNew();
      view.show('chat');
      open();
    }
  });
  commands.addCommand(CommandIDs.stop, {
    label: trans.__('Stop the Answer'),
    caption: trans.__('End the answer that runs in the chat'),
    describedBy: NO_ARGUMENTS,
    isEnabled: () => session.chat.isBusy,
    execute: () => session.chat.stop()
  });
  session.savedChanged.connect(() =>
    commands.notifyCommandChanged(CommandIDs.stop)
  );
  const ids: string[] = [
    CommandIDs.openChat,
    CommandIDs.newChat,
    CommandIDs.stop
  ];
  if (desk) {
    commands.addCommand(CommandIDs.attachSelection, {
      label: trans.__('Attach the Selection to the Ollama Chat'),
      caption: trans.__('What is selected in the active cell, or all of it'),
      describedBy: NO_ARGUMENTS,
      isEnabled: () => desk.isOpen,
      execute: () => {
        const attachment = desk.selection() ?? desk.activeCell();
        view.show('chat');
        open();
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
  /** Shows the panel and gives it the focus. */
  open: () => void;
  palette: ICommandPalette | null;
  services: IChatServices;
}

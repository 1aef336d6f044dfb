import type { TranslationBundle } from '@jupyterlab/translation';

import type { ChatModel } from '../model/chat';
import type { Announcer } from './announcer';
import type { Catalog } from './catalog';
import type { Session } from './session';

/** Say when an answer begins and how it ended, and look at the models again after it. */
export function announceAnswers({
  announcer,
  catalog,
  session,
  trans
}: IAnnounceOptions): void {
  let chat: ChatModel | null = null;
  let isBusy = false;
  const look = () => {
    if (!chat || chat.isBusy === isBusy) {
      return;
    }
    isBusy = chat.isBusy;
    if (isBusy) {
      announcer.say(trans.__('Answering'));
    } else {
      announcer.say(outcome(chat, trans));
      catalog.look();
    }
  };
  const follow = () => {
    chat?.changed.disconnect(look);
    chat = session.chat;
    isBusy = chat.isBusy;
    chat.changed.connect(look);
  };
  session.changed.connect(follow);
  follow();
}

export interface IAnnounceOptions {
  announcer: Announcer;
  catalog: Catalog;
  session: Session;
  trans: TranslationBundle;
}

function outcome(chat: ChatModel, trans: TranslationBundle): string {
  const answer = chat.conversation.messages.at(-1);
  if (answer?.error) {
    return answer.error.message;
  }
  if (answer?.state === 'done') {
    const words = answer.text.split(/\s+/).filter(word => word !== '').length;
    return trans._n(
      'Answer complete, %1 word',
      'Answer complete, %1 words',
      words
    );
  }
  return trans.__('Stopped');
}

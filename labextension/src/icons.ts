import { LabIcon } from '@jupyterlab/ui-components';

import chatSvg from '../style/icons/chat.svg';
import sendSvg from '../style/icons/send.svg';

/** The icon of the chat: a speech bubble with a prompt in it. */
export const chatIcon = new LabIcon({
  name: 'ollama-lab:chat',
  svgstr: chatSvg
});

/** The icon of the button that sends: a paper plane. */
export const sendIcon = new LabIcon({
  name: 'ollama-lab:send',
  svgstr: sendSvg
});

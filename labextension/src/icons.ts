import { LabIcon } from '@jupyterlab/ui-components';

import chatSvg from '../style/icons/chat.svg';

/** The icon of the chat: a speech bubble with a prompt in it. */
export const chatIcon = new LabIcon({
  name: 'ollama-lab:chat',
  svgstr: chatSvg
});

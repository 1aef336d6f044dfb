import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { chat } from './plugins/chat';

const plugins: JupyterFrontEndPlugin<unknown>[] = [chat];

export default plugins;

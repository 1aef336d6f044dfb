/** Ids of our plugins: one concern each, every one can be disabled alone. */
export namespace PluginIDs {
  export const chat = 'ollama-lab:chat';
}

/** Ids of our commands. */
export namespace CommandIDs {
  export const openChat = 'ollama-lab:open-chat';
}

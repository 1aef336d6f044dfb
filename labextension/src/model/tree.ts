import type { IMessage, MessageId } from '../api/types';

/**
 * The messages of a chat as a tree: editing or answering anew makes a branch beside the old one.
 *
 * It may know less than the server: a chat is read with the branch on show, and each message names
 * its siblings.
 */
export class MessageTree {
  get(id: MessageId): IMessage | undefined {
    return this._messages.get(id);
  }

  /** Put in a message, or put it in the place of the one with its id. */
  set(message: IMessage): void {
    const known = this._messages.get(message.id);
    this._messages.set(message.id, message);
    if (known?.parent_id !== message.parent_id) {
      if (known) {
        this._disown(known);
      }
      this._childrenOf(message.parent_id).push(message.id);
    }
  }

  /** Take out a message and everything below it; gives them, parents first. */
  delete(id: MessageId): IMessage[] {
    const message = this._messages.get(id);
    if (!message) {
      return [];
    }
    const below = [...this._childrenOf(id)].flatMap(child =>
      this.delete(child)
    );
    this._disown(message);
    this._messages.delete(id);
    this._children.delete(id);
    return [message, ...below];
  }

  /** Let only these be the branches at a place; gives what went. */
  keepOnly(parentId: MessageId | null, ids: readonly MessageId[]): IMessage[] {
    const gone = this._childrenOf(parentId)
      .filter(id => !ids.includes(id))
      .flatMap(id => this.delete(id));
    for (const id of this._childrenOf(parentId)) {
      const message = this._messages.get(id);
      if (message) {
        this._messages.set(id, { ...message, siblings: [...ids] });
      }
    }
    return gone;
  }

  /** The branch that ends at a message, from the first one on. */
  branch(leafId: MessageId | null): IMessage[] {
    const found: IMessage[] = [];
    let id = leafId;
    while (id !== null) {
      const message = this._messages.get(id);
      if (!message) {
        break;
      }
      found.push(message);
      id = message.parent_id;
    }
    return found.reverse();
  }

  /** The branches at a message's place, itself included, oldest first. */
  siblings(id: MessageId): MessageId[] {
    const message = this._messages.get(id);
    if (!message) {
      return [id];
    }
    const here = this._childrenOf(message.parent_id);
    // The newest of them names the most.
    const named = here
      .map(child => this._messages.get(child)?.siblings ?? [])
      .reduce((most, some) => (some.length > most.length ? some : most), []);
    return [...new Set([...named, ...here])];
  }

  /** What was written last below a message; the message itself if nothing is known below it. */
  newestBelow(id: MessageId): MessageId {
    let newest = id;
    for (
      let below = this._childrenOf(newest).at(-1);
      below !== undefined;
      below = this._childrenOf(newest).at(-1)
    ) {
      newest = below;
    }
    return newest;
  }

  /** What was written last at a place; what is before the place if nothing is known there. */
  newestAt(parentId: MessageId | null): MessageId | null {
    const newest = this._childrenOf(parentId).at(-1);
    return newest === undefined ? parentId : this.newestBelow(newest);
  }

  private _childrenOf(id: MessageId | null): MessageId[] {
    let children = this._children.get(id);
    if (!children) {
      children = [];
      this._children.set(id, children);
    }
    return children;
  }

  private _disown(message: IMessage): void {
    const siblings = this._childrenOf(message.parent_id);
    siblings.splice(siblings.indexOf(message.id), 1);
  }

  private readonly _messages = new Map<MessageId, IMessage>();
  private readonly _children = new Map<MessageId | null, MessageId[]>();
}

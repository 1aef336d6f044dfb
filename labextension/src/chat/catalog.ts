import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { Signal, type ISignal } from '@lumino/signaling';

import type { Client } from '../api/client';
import type {
  IFailure,
  IHealth,
  IModel,
  IModelDetails,
  IPull
} from '../api/types';
import { asFailure } from '../api/failure';

/** What the server has and is doing: its health, its models, its downloads. */
export class Catalog implements IDisposable {
  constructor(client: Client) {
    this._client = client;
    this._healthPoll = new Poll({
      name: 'ollama-lab:health',
      auto: false,
      factory: () => this.refresh(),
      frequency: { interval: 5000, backoff: true, max: 60_000 },
      standby: 'when-hidden'
    });
    this._pullPoll = new Poll({
      name: 'ollama-lab:pulls',
      auto: false,
      factory: () => this._refreshPulls(),
      frequency: { interval: 700, backoff: true, max: 10_000 },
      standby: 'when-hidden'
    });
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Null until the Jupyter server answered once. */
  get health(): IHealth | null {
    return this._health;
  }

  get models(): readonly IModel[] {
    return this._models;
  }

  /** The downloads that run, and those that failed. */
  get pulls(): readonly IPull[] {
    return this._pulls.filter(pull => !this._dismissed.has(pull.id));
  }

  /** What went wrong last; null when nothing did. */
  get failure(): IFailure | null {
    return this._failure;
  }

  get isDisposed(): boolean {
    return this._healthPoll.isDisposed;
  }

  /** What the model that was looked at last is; null until the server has said so. */
  get details(): IModelDetails | null {
    return this._details;
  }

  /** Why the model cannot be looked at. */
  get detailsFailure(): IFailure | null {
    return this._detailsFailure;
  }

  /** Give the model of this name. */
  find(name: string): IModel | null {
    return this._models.find(model => model.name === name) ?? null;
  }

  /** Ask the server for the first time; later calls do nothing. */
  open(): void {
    if (!this._isOpen) {
      this._isOpen = true;
      void this._healthPoll.refresh();
      void this._pullPoll.refresh();
    }
  }

  /** Ask anew, soon: something on the server may have changed. */
  look(): void {
    if (this._isOpen) {
      void this._healthPoll.refresh();
    }
  }

  /** Ask anew for health and models. */
  async refresh(): Promise<void> {
    try {
      this._health = await this._client.health();
      this._failure = this._health.error;
      this._models = this._health.error ? [] : await this._client.models();
    } catch (error) {
      this._failure = asFailure(error);
    }
    if (!this._failure && this._health?.state !== 'no_model') {
      // Nothing to wait for: ask again only when something is done.
      void this._healthPoll.stop();
    }
    this._changed.emit();
  }

  /** Ask what a model is in detail. */
  async describe(name: string): Promise<void> {
    this._described = name;
    this._details = null;
    this._detailsFailure = null;
    this._changed.emit();
    try {
      const details = await this._client.model(name);
      if (this._described === name) {
        this._details = details;
      }
    } catch (error) {
      if (this._described === name) {
        this._detailsFailure = asFailure(error);
      }
    }
    this._changed.emit();
  }

  /** Start the download of a model, or join the one that runs. */
  async pull(model: string): Promise<void> {
    await this._try(async () => {
      const pull = await this._client.pull(model);
      this._pulls = [
        ...this._pulls.filter(other => other.id !== pull.id),
        pull
      ];
    });
    void this._pullPoll.refresh();
  }

  /** Stop a download; what came stays on the server's disk. */
  async cancelPull(id: string): Promise<void> {
    await this._try(() => this._client.cancelPull(id));
    void this._pullPoll.refresh();
  }

  /** Take a failed download off the list. */
  dismissPull(id: string): void {
    this._dismissed.add(id);
    this._changed.emit();
  }

  async load(model: string): Promise<void> {
    await this._change(() => this._client.loadModel(model));
  }

  async unload(model: string): Promise<void> {
    await this._change(() => this._client.unloadModel(model));
  }

  async remove(model: string): Promise<void> {
    await this._change(() => this._client.deleteModel(model));
  }

  dispose(): void {
    this._healthPoll.dispose();
    this._pullPoll.dispose();
    Signal.clearData(this);
  }

  private async _change(call: () => Promise<unknown>): Promise<void> {
    if (await this._try(call)) {
      await this.refresh();
    }
  }

  private async _try(call: () => Promise<unknown>): Promise<boolean> {
    try {
      await call();
      this._failure = null;
      return true;
    } catch (error) {
      this._failure = asFailure(error);
      return false;
    } finally {
      this._changed.emit();
    }
  }

  private async _refreshPulls(): Promise<void> {
    const running = this._pulls.filter(isRunning).map(pull => pull.id);
    const pulls = await this._client.pulls();
    this._pulls = pulls.filter(
      pull => isRunning(pull) || pull.state === 'failed'
    );
    const isAnyDone = pulls.some(
      pull => pull.state === 'done' && running.includes(pull.id)
    );
    if (isAnyDone) {
      await this.refresh();
    }
    if (!this._pulls.some(isRunning)) {
      void this._pullPoll.stop();
    }
    this._changed.emit();
  }

  private readonly _client: Client;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _dismissed = new Set<string>();
  private readonly _healthPoll: Poll;
  private readonly _pullPoll: Poll;
  private _described = '';
  private _details: IModelDetails | null = null;
  private _detailsFailure: IFailure | null = null;
  private _failure: IFailure | null = null;
  private _health: IHealth | null = null;
  private _isOpen = false;
  private _models: IModel[] = [];
  private _pulls: IPull[] = [];
}

function isRunning(pull: IPull): boolean {
  return pull.state === 'running';
}

/**
 * The handles that are in a multi handle, and the calls in which libcurl may ask
 * their functions and its own.
 *
 * @module
 */

import type { Curl } from "./curl.ts";
import {
  abortedBy,
  type Failure,
  startFailure,
  transferError,
} from "./errors.ts";
import { ABOUT, numbers } from "./ffi/call.ts";
import * as multi from "./ffi/multi_call.ts";
import { IdMap } from "./id_map.ts";
import { MultiCallbacks } from "./multi_callbacks.ts";
import type { FailedTransfer, MultiHandle } from "./multi_types.ts";
import { type OptionTarget, targetOf } from "./options.ts";
import { E_ABORTED_BY_CALLBACK } from "./tables/constants.ts";
import { type Crowd, driveCrowd } from "./transfer.ts";

/** A handle that is in, and who answers its callbacks. */
export interface Member {
  readonly curl: Curl;
  readonly target: OptionTarget;
}

/** Those of one multi handle. */
export class MultiMembers {
  /** The multi handle's own functions. */
  readonly functions: MultiCallbacks;
  readonly #id: MultiHandle;
  readonly #members = new IdMap<Member>();
  readonly #crowd: Crowd;

  /** @param owner the object of the multi handle `id` */
  constructor(owner: object, id: MultiHandle) {
    const members = this.#members;
    const functions = new MultiCallbacks(
      owner,
      (id) => members.get(id)?.curl ?? null,
    );
    this.#id = id;
    this.functions = functions;
    this.#crowd = {
      handle: id,
      find: (about) =>
        about === id ? functions : members.get(about)?.target.callbacks,
      takeFailure: () => functions.takeFailure(),
      keepFailure: (failure) => functions.keepFailure(failure),
      leave: (curl) => this.#remove(curl, () => multi.multiLeave(curl)),
    };
  }

  /** Whether a handle is in. */
  holds(curl: number): boolean {
    return multi.curlMulti(curl) === this.#id;
  }

  /** Runs a call in which libcurl may call back. */
  drive(start: () => number): void {
    driveCrowd(this.#crowd, start);
  }

  /** Throws what `CurlMulti.addHandle` does. */
  add(curl: Curl): void {
    const target = targetOf("addHandle", curl);
    const { id } = target;
    target.callbacks.refuseStreams(false);
    if (!this.#members.has(id)) this.#members.set(id, { curl, target });
    try {
      if (!isDone(multi.multiAddNow(this.#id, id))) {
        this.drive(() => multi.multiAdd(this.#id, id));
      }
      target.crowd = this.#crowd;
    } catch (error) {
      // One of its own functions may have thrown, and the handle be in.
      if (this.holds(id)) target.crowd = this.#crowd;
      else this.#members.delete(id);
      throw error;
    }
  }

  /** Throws what `CurlMulti.removeHandle` does. */
  remove(curl: Curl): void {
    const { id, callbacks } = targetOf("removeHandle", curl);
    if (isDone(multi.multiRemoveNow(this.#id, id))) {
      // Nor may it be told with the next transfer.
      callbacks.takeFailure();
      this.forget(id);
    } else this.#remove(id, () => multi.multiRemove(this.#id, id));
  }

  #remove(id: number, start: () => number): void {
    const callbacks = this.#members.get(id)?.target.callbacks;
    const unread = callbacks?.takeFailure();
    try {
      this.drive(start);
      this.forget(id);
    } catch (error) {
      if (this.holds(id)) callbacks?.keepFailure(unread);
      else {
        callbacks?.takeFailure();
        this.forget(id);
      }
      throw error;
    }
    const thrown = callbacks?.takeFailure();
    if (thrown !== undefined) throw abortedBy(E_ABORTED_BY_CALLBACK, thrown);
  }

  /** It is in no longer. */
  forget(id: number): void {
    const target = this.#members.get(id)?.target;
    this.#members.delete(id);
    if (target?.crowd === this.#crowd) target.crowd = undefined;
  }

  /** All that are in. */
  all(): Member[] {
    return this.#members.values();
  }

  /**
   * Puts the transfers that `multiDone` has told on their lists; gives how many
   * there are beside the `count` that went well.
   */
  tell(count: number, ok: Curl[], failed: FailedTransfer[]): number {
    const code = numbers[1];
    const about = numbers[ABOUT];
    for (let index = 0; index < count; index++) {
      const member = this.#members.get(multi.well[index]);
      const thrown = member?.target.callbacks.takeFailure();
      if (member === undefined) continue;
      if (thrown === undefined) ok.push(member.curl);
      else failed.push(failure(member, E_ABORTED_BY_CALLBACK, "", thrown));
    }
    if (code === 0) return 0;
    const member = this.#members.get(about);
    if (member !== undefined) {
      const thrown = member.target.callbacks.takeFailure();
      failed.push(failure(member, code, multi.multiDoneText(), thrown));
    }
    return 1;
  }
}

/** Whether it was done at once; throws what it failed with. */
function isDone(answer: number): boolean {
  if (answer < 0) throw startFailure(answer);
  return answer === 1;
}

function failure(
  { curl }: Member,
  code: number,
  text: string,
  thrown: Failure | undefined,
): FailedTransfer {
  const error = transferError(code, text, thrown);
  return [curl, code, error.message, error];
}

import { once } from 'node:events';

/** Time for a collection and an answer, ms. */
const TIMEOUT = 20_000;
const LOOKS = 5;

/** What a process keeps, bytes, when its garbage has just been collected. */
export interface KeptMemory {
  /** JavaScript objects and what they hold outside the heap, buffers for the most part. */
  readonly kept: number;
  /** Resident memory: native code's objects too, and what the allocators have not given back. */
  readonly rss: number;
}

/** An object of the process, or the value that was asked for. */
interface RemoteObject {
  readonly value?: unknown;
  readonly objectId?: string;
  readonly description?: string;
}

interface Answer {
  readonly id?: number;
  /** Of an event. */
  readonly method?: string;
  readonly params?: { readonly sessionId: string; readonly message: string };
  readonly result?: {
    readonly result?: RemoteObject;
    readonly objects?: RemoteObject;
    readonly exceptionDetails?: { readonly exception?: RemoteObject };
  };
  readonly error?: { readonly message: string };
}

/** What is asked for in one go, and let go of together. */
const OBJECTS = 'objects';

/** Speaks to the inspector of a Node process (`--inspect`): the program under test needs nothing for it. */
export class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer | Error) => void>();
  /** Sessions of its worker threads, by which their inspectors are spoken to. */
  readonly #threads = new Set<string>();
  #asked = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#hear(JSON.parse(String(data)) as Answer));
    socket.addEventListener('close', () => {
      for (const settle of this.#waiting.values()) settle(new Error('the process is gone'));
    });
  }

  /** @param url the address that Node prints when it starts. */
  static async open(url: string): Promise<Inspector> {
    const socket = new WebSocket(url);
    await once(socket, 'open', { signal: AbortSignal.timeout(TIMEOUT) });
    return new Inspector(socket);
  }

  /**
   * Collects the garbage of the process, and looks at what is left: the least of several looks, since what is just under way
   * is not kept.
   * @param thread a session of {@link keptByThreads}; else it is the main thread.
   */
  async keptMemory(thread?: string): Promise<KeptMemory> {
    const looks: KeptMemory[] = [];
    for (let i = 0; i < LOOKS; i++) looks.push(await this.#look(thread));
    return {
      kept: Math.min(...looks.map(({ kept }) => kept)),
      rss: Math.min(...looks.map(({ rss }) => rss)),
    };
  }

  /** What each of its worker threads keeps in its own heap and outside it, as {@link keptMemory} has it of the main thread. */
  async keptByThreads(): Promise<readonly KeptMemory[]> {
    await this.#ask('NodeWorker.enable', { waitForDebuggerOnStart: false });
    const kept: KeptMemory[] = [];
    for (const thread of this.#threads) kept.push(await this.keptMemory(thread));
    return kept;
  }

  /** TCP connections that the process has open, in either direction. */
  async tcpConnections(): Promise<number> {
    const expression = "process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length";
    const { result } = await this.#ask('Runtime.evaluate', { expression });
    return Number(result?.result?.value);
  }

  /**
   * Objects of a class that the process keeps, its garbage collected.
   * @param file the absolute path of the module that exports `name`.
   */
  async instancesOf(file: string, name: string): Promise<number> {
    const module = `process.getBuiltinModule('node:module').createRequire(${JSON.stringify(file)})(${JSON.stringify(file)})`;
    const asked = await this.#ask('Runtime.evaluate', {
      expression: `${module}[${JSON.stringify(name)}].prototype`,
      objectGroup: OBJECTS,
    });
    const { exceptionDetails, result: prototype } = asked.result ?? {};
    if (prototype?.objectId === undefined || exceptionDetails !== undefined) {
      throw new Error(`${name} of ${file}: ${exceptionDetails?.exception?.description ?? 'no class'}`);
    }
    const prototypeObjectId = prototype.objectId;
    const found = await this.#ask('Runtime.queryObjects', { prototypeObjectId, objectGroup: OBJECTS });
    const counted = await this.#ask('Runtime.callFunctionOn', {
      objectId: found.result?.objects?.objectId,
      functionDeclaration: 'function () { return this.length; }',
      returnByValue: true,
    });
    await this.#ask('Runtime.releaseObjectGroup', { objectGroup: OBJECTS });
    return Number(counted.result?.result?.value);
  }

  close(): void {
    this.#socket.close();
  }

  async #look(thread: string | undefined): Promise<KeptMemory> {
    await this.#ask('HeapProfiler.collectGarbage', {}, thread);
    const expression = 'JSON.stringify(process.memoryUsage())';
    const { result } = await this.#ask('Runtime.evaluate', { expression }, thread);
    const { heapUsed, external, rss } = JSON.parse(String(result?.result?.value)) as NodeJS.MemoryUsage;
    return { kept: heapUsed + external, rss };
  }

  #hear(answer: Answer): void {
    const { method, params } = answer;
    if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer);
    else if (params === undefined) return;
    else if (method === 'NodeWorker.attachedToWorker') this.#threads.add(params.sessionId);
    else if (method === 'NodeWorker.detachedFromWorker') this.#threads.delete(params.sessionId);
    // Ids are the same for all threads: no two questions have one.
    else if (method === 'NodeWorker.receivedMessageFromWorker') this.#hear(JSON.parse(params.message) as Answer);
  }

  #ask(method: string, params: object = {}, thread?: string): Promise<Answer> {
    const id = ++this.#asked;
    const asked = new Promise<Answer>((resolve, reject) => {
      const late = setTimeout(() => this.#waiting.get(id)?.(new Error(`no answer to ${method}`)), TIMEOUT);
      this.#waiting.set(id, (answer) => {
        clearTimeout(late);
        this.#waiting.delete(id);
        if (answer instanceof Error) reject(answer);
        else if (answer.error !== undefined) reject(new Error(`${method}: ${answer.error.message}`));
        else resolve(answer);
      });
    });
    const message = JSON.stringify({ id, method, params });
    if (thread === undefined) this.#socket.send(message);
    else {
      const forwarded = {
        id: ++this.#asked,
        method: 'NodeWorker.sendMessageToWorker',
        params: { sessionId: thread, message },
      };
      this.#socket.send(JSON.stringify(forwarded));
    }
    return asked;
  }
}

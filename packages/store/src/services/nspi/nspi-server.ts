import {
  AuthLevel,
  accountText,
  type ContextHandleType,
  Nspi,
  ndr,
  nspiDeclaration,
  type PeerIdentity,
  parseGuid,
  type RpcCall,
  type RpcInterface,
  serverInterface,
} from '@rpch/rpc/internal';
import type { Directory } from '../../directory/model.ts';
import { ErrorCode, errorName, StoreError } from '../../mapi/error-code.ts';
import type { ServiceLog } from '../log.ts';
import { AddressBook } from './address-book.ts';
import { MinimalIds } from './minimal-ids.ts';
import * as objects from './object-methods.ts';
import { type Answer, codePageOf, type Input, type Method, type Output, type Scene } from './request.ts';
import { RowCache } from './rows.ts';
import * as tables from './table-methods.ts';

/** What the address book is served from. */
export interface NspiServerOptions {
  /** The directory of the moment: asked at each call, looked at anew when its version changes. */
  readonly directory: () => Directory;
  /** A new random GUID, which names this server and this run of it: minimal entry ids hold as long. */
  readonly serverGuid: string;
  readonly log: ServiceLog;
  /** The lowest AuthLevel; default: privacy. Whoever it is must have logged in, whatever the level. */
  readonly minimumLevel?: number;
}

/** What a bound client has. */
interface Session {
  readonly identity: PeerIdentity;
}

const SESSION: ContextHandleType<Session> = { name: 'nspi' };

/** The outputs of a method that failed, without its return value. */
type Nothing<M extends Method> = (input: Input<M>) => Omit<Output<M>, 'result'>;

const noRows = () => ({ ppRows: null });
const noMIds = () => ({ ppOutMIds: null });
const noNames = () => ({ ppMIds: null, ppRows: null });

/** NSPI over a directory, the address book of MAPI clients ([MS-OXNSPI]): every operation that is used on the wire. */
export function nspiServer(options: NspiServerOptions): RpcInterface {
  const { serverGuid, log, minimumLevel = AuthLevel.privacy } = options;
  const scenes = new Scenes(options);

  /** Serves a method with the scene of the moment; a StoreError is its return value, beside `nothing`. */
  const served = <M extends Method>(method: M, nothing: Nothing<M>, answer: Answer<M>) => {
    return (input: Input<M> & { readonly hRpc: ndr.ValueOf<typeof ndr.contextHandle> }, call: RpcCall): Output<M> => {
      const { identity } = call.contextHandles.get(SESSION, input.hRpc);
      try {
        return answer(input, scenes.current());
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        const { errorCode, message } = error;
        const fields = { event: 'nspi.refused', method, user: accountText(identity), error: errorName(errorCode) };
        // What is not found is everyday; who wants to change the address book is worth a look.
        if (errorCode === ErrorCode.AccessDenied) log.warn(fields, message);
        else log.debug(fields, message);
        return { ...nothing(input), result: errorCode } as Output<M>;
      }
    };
  };

  const handlers = {
    bind: (input: Input<'bind'>, call: RpcCall): Output<'bind'> => {
      const { identity } = call;
      const refused = (code: number) => {
        const who = identity === undefined ? 'anonymous' : accountText(identity);
        log.warn({ event: 'nspi.bind-refused', user: who, error: errorName(code) }, 'a client of NSPI was refused');
        return { pServerGuid: null, contextHandle: ndr.NULL_CONTEXT_HANDLE, result: code };
      };
      if (identity === undefined || (input.dwFlags & Nspi.fAnonymousLogin) !== 0)
        return refused(ErrorCode.LoginFailure);
      try {
        codePageOf(input.pStat);
      } catch (error) {
        if (error instanceof StoreError) return refused(error.errorCode);
        throw error;
      }
      const pServerGuid = input.pServerGuid === null ? null : { ab: parseGuid(serverGuid) };
      return { pServerGuid, contextHandle: call.contextHandles.open(SESSION, { identity }), result: ErrorCode.Success };
    },
    unbind: ({ contextHandle }: Input<'unbind'>, { contextHandles }: RpcCall): Output<'unbind'> => {
      const isNull = contextHandle.uuid === ndr.NULL_CONTEXT_HANDLE.uuid;
      if (!isNull) contextHandles.close(SESSION, contextHandle);
      return {
        contextHandle: ndr.NULL_CONTEXT_HANDLE,
        result: isNull ? ErrorCode.UnbindFailure : ErrorCode.UnbindSuccess,
      };
    },
    updateStat: served('updateStat', ({ pStat, plDelta }) => ({ pStat, plDelta }), tables.updateStat),
    queryRows: served('queryRows', ({ pStat }) => ({ pStat, ppRows: null }), tables.queryRows),
    seekEntries: served('seekEntries', ({ pStat }) => ({ pStat, ppRows: null }), tables.seekEntries),
    getMatches: served('getMatches', ({ pStat }) => ({ pStat, ppOutMIds: null, ppRows: null }), tables.getMatches),
    resortRestriction: served(
      'resortRestriction',
      ({ pStat }) => ({ pStat, ppOutMIds: null }),
      tables.resortRestriction,
    ),
    dnToMId: served('dnToMId', noMIds, objects.dnToMId),
    getPropList: served('getPropList', () => ({ ppPropTags: null }), objects.getPropList),
    getProps: served('getProps', noRows, objects.getProps),
    compareMIds: served('compareMIds', () => ({ plResult: 0 }), tables.compareMIds),
    modProps: served('modProps', () => ({}), objects.modProps),
    getSpecialTable: served(
      'getSpecialTable',
      ({ lpVersion }) => ({ lpVersion, ppRows: null }),
      objects.getSpecialTable,
    ),
    getTemplateInfo: served('getTemplateInfo', () => ({ ppData: null }), objects.getTemplateInfo),
    modLinkAtt: served('modLinkAtt', () => ({}), objects.modLinkAtt),
    queryColumns: served('queryColumns', () => ({ ppColumns: null }), objects.queryColumns),
    getNamesFromIDs: served(
      'getNamesFromIDs',
      () => ({ ppReturnedPropTags: null, ppNames: null }),
      objects.getNamesFromIDs,
    ),
    getIDsFromNames: served('getIDsFromNames', () => ({ ppPropTags: null }), objects.getIDsFromNames),
    resolveNames: served('resolveNames', noNames, objects.resolveNames),
    resolveNamesW: served('resolveNamesW', noNames, objects.resolveNamesW),
  };
  return serverInterface(nspiDeclaration, handlers, { minimumLevel });
}

/** The address book of the directory's version of the moment. */
class Scenes {
  readonly #options: NspiServerOptions;
  readonly #ids = new MinimalIds();
  #scene: Scene | undefined;

  constructor(options: NspiServerOptions) {
    this.#options = options;
  }

  current(): Scene {
    const directory = this.#options.directory();
    const shown = this.#scene?.book.directory;
    if (this.#scene === undefined || shown !== directory || shown.version !== directory.version) {
      const book = new AddressBook(directory, this.#ids);
      this.#scene = { book, rows: new RowCache(this.#options.serverGuid) };
    }
    return this.#scene;
  }
}

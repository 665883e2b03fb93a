import { RpchError } from '@rpch/rpc';

/**
 * Return values of ROPs and of the methods of EMSMDB, NSPI and RFR, by the names of [MS-OXCDATA] 2.4 without their `ec`. Two
 * names of one value are the specifications' own.
 */
export const ErrorCode = {
  Success: 0,
  /** What NspiUnbind returns when all went well, and when it did not. */
  UnbindSuccess: 1,
  UnbindFailure: 2,
  ProfileNotConfigured: 0x0000011c,
  UnknownUser: 0x000003eb,
  Exiting: 0x000003ed,
  UnknownCodePage: 0x000003ef,
  ServerOOM: 0x000003f0,
  LoginPerm: 0x000003f2,
  SearchFolder: 0x00000460,
  NotSearchFolder: 0x00000461,
  NoReceiveFolder: 0x00000463,
  InvalidRecips: 0x00000467,
  NoReplicaHere: 0x00000468,
  WrongServer: 0x00000478,
  BufferTooSmall: 0x0000047d,
  ServerPaused: 0x0000047f,
  ServerBusy: 0x00000480,
  SearchFolderScopeViolation: 0x00000490,
  RpcFormat: 0x000004b6,
  NullObject: 0x000004b9,
  QuotaExceeded: 0x000004d9,
  MaxAttachmentExceeded: 0x000004db,
  SendAsDenied: 0x000004dc,
  MaxObjsExceeded: 0x000004de,
  NotExpanded: 0x000004f7,
  NotCollapsed: 0x000004f8,
  NoCreateSubfolderRight: 0x00000502,
  DstNullObject: 0x00000503,
  MsgCycle: 0x00000504,
  TooManyRecips: 0x00000505,
  MailboxInTransit: 0x0000050c,
  ProtocolDisabled: 0x000007d8,
  Rejected: 0x000007ee,
  MailboxDisabled: 0x0000096c,
  NotEncrypted: 0x00000970,
  ErrorsReturned: 0x00040380,
  WarnWithErrors: 0x00040380,
  PositionChanged: 0x00040481,
  PartialCompletion: 0x00040680,
  StreamAccessDenied: 0x80030005,
  StreamSeekError: 0x80030019,
  StreamInvalidParam: 0x80030057,
  StreamSizeError: 0x80030070,
  Error: 0x80004005,
  GeneralFailure: 0x80004005,
  NotSupported: 0x80040102,
  InvalidEntryId: 0x80040107,
  InvalidObject: 0x80040108,
  ObjectModified: 0x80040109,
  ObjectDeleted: 0x8004010a,
  OutOfResources: 0x8004010e,
  NotFound: 0x8004010f,
  VersionMismatch: 0x80040110,
  LoginFailure: 0x80040111,
  UnableToAbort: 0x80040114,
  RpcFailed: 0x80040115,
  NetworkError: 0x80040115,
  TooComplex: 0x80040117,
  Computed: 0x8004011a,
  CorruptData: 0x8004011b,
  InvalidCodepage: 0x8004011e,
  InvalidLocale: 0x8004011f,
  UnexpectedType: 0x80040301,
  TooBig: 0x80040305,
  TableTooBig: 0x80040403,
  InvalidBookmark: 0x80040405,
  NotInQueue: 0x80040601,
  DuplicateName: 0x80040604,
  NotInitialized: 0x80040605,
  RootFolder: 0x80040608,
  FolderHasContents: 0x80040609,
  FolderHasChildren: 0x8004060a,
  FolderCycle: 0x8004060b,
  Ambiguous: 0x80040700,
  NotImplemented: 0x80040fff,
  AccessDenied: 0x80070005,
  NotEnoughMemory: 0x8007000e,
  InvalidParam: 0x80070057,
} as const;

const names = new Map<number, string>();
for (const [name, code] of Object.entries(ErrorCode)) if (!names.has(code)) names.set(code, name);

/** The name of a return value for logs; one without a name as hexadecimal. */
export function errorName(code: number): string {
  return names.get(code) ?? `0x${code.toString(16).padStart(8, '0')}`;
}

/** What the caller of the store got wrong, or may not do: `errorCode` is the return value that answers it. */
export class StoreError extends RpchError {
  override readonly name = 'StoreError';
  readonly errorCode: number;

  constructor(errorCode: number, message: string, options?: { cause?: unknown }) {
    super('RPCH_STORE', 'caller', `${errorName(errorCode)}: ${message}`, options);
    this.errorCode = errorCode;
  }
}

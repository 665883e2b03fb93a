import { Nspi } from '@rpch/rpc/internal';

/** What EcDoConnectEx takes beside the DN. */
export const CONNECT = {
  ulFlags: 0,
  ulConMod: 0,
  cbLimit: 0,
  ulCpid: 1252,
  ulLcidString: 0x0409,
  ulLcidSort: 0x0409,
  ulIcxrLink: 0xffffffff,
  usFCanConvertCodePages: 1,
  rgwClientVersion: [0x000f, 0x1144, 0x03f9],
  pulTimeStamp: 0,
  rgbAuxIn: new Uint8Array(0),
  pcbAuxOut: 0x1008,
};

/** STAT at the beginning of the global address list ([MS-OXNSPI] 2.2.8). */
export const STAT = {
  SortType: Nspi.SortTypeDisplayName,
  ContainerID: 0,
  CurrentRec: 0,
  Delta: 0,
  NumPos: 0,
  TotalRecs: 0,
  CodePage: 1252,
  TemplateLocale: 0x0409,
  SortLocale: 0x0409,
};

import { programOf, type Sight } from './look.ts';
import { printable, tellCertificate } from './tell-found.ts';
import type { Advice, Trouble } from './trouble.ts';

/** Failures of name, TCP and TLS; undefined where the failure is none of them. */
export function explainNetwork(trouble: Trouble): Advice | undefined {
  const { error, hop } = trouble;
  if (error.code !== 'RPCH_CONNECT' && error.code !== 'RPCH_TIMED_OUT') return undefined;
  if (hop === 'DNS') return explainName(trouble);
  if (hop === 'TCP') return explainTcp(trouble);
  if (hop === 'TLS') return explainTls(trouble);
  return undefined;
}

function codeOf({ error }: Trouble): string | undefined {
  const { cause } = error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
}

function hostOf(dialled: string): string {
  return dialled.replace(/:\d+$/, '');
}

function explainName(trouble: Trouble): Advice {
  const host = hostOf(trouble.dialled);
  if (codeOf(trouble) === 'ENOTFOUND') {
    return {
      what: `the name ${host} of the ${trouble.dialledAs} does not exist`,
      check: `is it spelt right, and does this machine ask the right DNS server (nslookup ${host})?`,
    };
  }
  return {
    what: `no DNS server answers for the name ${host} of the ${trouble.dialledAs} (${trouble.error.message})`,
    check: 'is the network up, and is the DNS server of this machine right and reachable?',
  };
}

function explainTcp(trouble: Trouble): Advice {
  const { dialled, dialledAs, error } = trouble;
  const code = codeOf(trouble);
  if (code === 'ECONNREFUSED') {
    return {
      what: `nothing listens on ${dialled}: the machine is there and refuses the connection`,
      check: `is the port right, and does the ${dialledAs} run? A firewall that rejects looks the same`,
    };
  }
  if (code === undefined || code === 'ETIMEDOUT') {
    return {
      what: `no answer from ${dialled}, not even a refusal: packets are swallowed on the way`,
      check: 'is the machine up and the address right, and does a firewall on the way, or on it, drop this port?',
    };
  }
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') {
    return {
      what: `there is no way to ${dialled} from this machine (${code})`,
      check: "are this machine's routes and VPN right, and is the address?",
    };
  }
  return { what: `no connection to ${dialled}: ${error.message}`, check: `does the ${dialledAs} run there?` };
}

/** What OpenSSL says when what comes is no TLS record. */
const NO_TLS =
  /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNEXPECTED_MESSAGE|RECORD_LAYER)|^EPROTO/;
const UNKNOWN_ISSUER =
  /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|SELF_SIGNED_CERT_IN_CHAIN|CERT_UNTRUSTED)$/;

function explainTls(trouble: Trouble): Advice {
  const { dialled, error, sight, binding, now } = trouble;
  const code = codeOf(trouble) ?? '';
  const seen = sight?.certificate === undefined ? '' : ` (${tellCertificate(sight.certificate)})`;
  if (code === 'DEPTH_ZERO_SELF_SIGNED_CERT') {
    return {
      what: `the certificate of ${dialled} is self-signed, so nobody vouches that this is the right machine${seen}`,
      check: 'give the certificate itself with --ca, or have a known authority sign it; --insecure skips the check',
    };
  }
  if (UNKNOWN_ISSUER.test(code)) {
    return {
      what: `the certificate of ${dialled} comes from an authority that this machine does not know${seen}`,
      check:
        "give the authority's certificate with --ca; if it is a public one, the server does not send its intermediate certificate",
    };
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const host = binding.protocol === 'ncacn_http' ? binding.rpcProxy.host : hostOf(dialled);
    return {
      what: `the certificate of ${dialled} is for other names than ${host}${seen}`,
      check: 'name the proxy in RpcProxy as its certificate does, or get a certificate for this name',
    };
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    const is = code === 'CERT_HAS_EXPIRED' ? 'has expired' : 'is not valid yet';
    return {
      what: `the certificate of ${dialled} ${is}${seen}`,
      check: `renew it; but if its dates are right, this machine's clock is wrong: it says ${now.toISOString()}`,
    };
  }
  if (sight?.http === true || NO_TLS.test(code) || sight?.banner !== undefined) return noTls(trouble, sight);
  if (/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|HANDSHAKE_FAILURE|NO_SHARED_CIPHER/.test(code)) {
    return {
      what: `${dialled} speaks TLS, but no version or cipher that this client accepts (${code})`,
      check: 'does it only know TLS 1.1 or older? Those have to be updated',
    };
  }
  if (code === '') {
    return {
      what: `${dialled} took the connection and says nothing to TLS`,
      check: 'is this the right port? What listens there waits for something else, or hangs',
    };
  }
  return {
    what: `TLS with ${dialled} failed: ${printable(error.message)}`,
    check: 'did something on the way end the connection? Is it a TLS port?',
  };
}

function noTls({ dialled }: Trouble, sight: Sight | undefined): Advice {
  if (sight?.http === true) {
    return {
      what: `${dialled} speaks plain http, not TLS`,
      check: 'leave --https (or HttpUseTls) away, or use the port where it speaks https, usually 443',
    };
  }
  return {
    what: `${dialled} does not speak TLS${tellProgram(sight)}`,
    check: 'is this the port of the RPC Proxy? https is usually at 443',
  };
}

/** `: it is an SSH server ("SSH-2.0-…")`; '' where nothing was heard. */
export function tellProgram(sight: Sight | undefined): string {
  if (sight?.banner === undefined) return '';
  const program = programOf(sight.banner);
  return program === undefined ? `: it says "${sight.banner}"` : `: it is ${program} ("${sight.banner}")`;
}

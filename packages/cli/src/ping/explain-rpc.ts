import {
  BindRefusedError,
  describeFaultStatus,
  FaultStatus,
  ProtocolError,
  RejectReason,
  RpcFaultError,
  type RpchError,
} from '@rpch/rpc/internal';
import { tellProgram } from './explain-network.ts';
import { printable, reasonOf } from './tell-found.ts';
import type { Advice, Trouble } from './trouble.ts';

/** Failures behind the transport: endpoint mapper, bind, security, call; undefined where the failure is none of them. */
export function explainRpc(trouble: Trouble): Advice | undefined {
  const { error, goal, server } = trouble;
  if (error instanceof BindRefusedError) return explainNak(trouble, error);
  if (error instanceof RpcFaultError) return explainFault(trouble, error);
  switch (error.code) {
    case 'RPCH_NOT_REGISTERED':
      return {
        hop: 'endpoint mapper',
        what: printable(error.message),
        check: 'does the service that offers it run there? rpch endpoints lists what is registered',
      };
    case 'RPCH_MAPPER_FAILED':
    case 'RPCH_TOO_MANY_ENDPOINTS':
      return {
        hop: 'endpoint mapper',
        what: printable(error.message),
        check: 'is the endpoint mapper of that server sound?',
      };
    case 'RPCH_CONTEXT_REFUSED':
      return goal === 'endpoint mapper'
        ? {
            what: `what listens on ${server} is an RPC server, but no endpoint mapper`,
            check:
              'mappers listen on 135, and behind RPC Proxies on 593; ping needs none where the binding names the port of the interface',
          }
        : {
            hop: 'interface',
            what: `${server} is an RPC server, but does not offer the interface: ${printable(error.message)}`,
            check: 'is it the right port? rpch endpoints lists which interface is where',
          };
    case 'RPCH_BIND_TIMED_OUT':
      return {
        what: `${server} took the connection and does not answer the bind`,
        check: 'is it the port of an RPC server, and does that program hang?',
      };
    case 'RPCH_CALL_TIMED_OUT':
      return {
        hop: 'call',
        what: `${server} accepted the bind and does not answer the call in time`,
        check: 'does the service hang, or is it busy? A firewall that dropped the connection looks the same',
      };
  }
  if (error instanceof ProtocolError) return explainNonsense(trouble, error);
  return explainLoss(trouble);
}

function explainNak(trouble: Trouble, { reason, message }: BindRefusedError): Advice {
  const { server } = trouble;
  switch (reason) {
    case RejectReason.authentication_type_not_recognized:
      return {
        hop: 'bind',
        what: `${server} does not have the security provider that was asked for`,
        check: 'try --rpc-auth ntlm or spnego, or none if the interface allows it',
      };
    case RejectReason.invalid_checksum:
      return wrongPassword(trouble);
    default:
      return {
        hop: 'bind',
        what: `${server} refused the bind: ${printable(message)}`,
        check: "does the server's log say why?",
      };
  }
}

function wrongPassword({ rpcUser = '', server, binding }: Trouble): Advice {
  const behind = binding.protocol === 'ncacn_http' ? ' This is the server: the RPC Proxy let the account pass.' : '';
  return {
    hop: 'RPC authentication',
    what: `the RPC server ${server} does not accept account ${printable(rpcUser)} with this password`,
    check: `is the password right, the account not locked, and its domain written (DOMAIN\\user)?${behind}`,
  };
}

/** Whether a fault is most likely one of the login: ClientAssociation says so of what comes before anything was answered. */
export function refusesLogin({ message }: RpcFaultError): boolean {
  return message.includes('first answer after authentication');
}

function explainFault(trouble: Trouble, error: RpcFaultError): Advice {
  const { rpcUser, server, hop } = trouble;
  const status = describeFaultStatus(error.status);
  if (rpcUser !== undefined && refusesLogin(error)) {
    const { what, ...advice } = wrongPassword(trouble);
    const level = trouble.sealed ? '' : ' Does the server want calls to be encrypted (--level privacy)?';
    return { ...advice, what: `${what}, or the account may not call it (${status})`, check: advice.check + level };
  }
  switch (error.status) {
    case FaultStatus.access_denied:
    case FaultStatus.nca_s_unsupported_authn_level:
      return {
        hop,
        what: `${server} refuses the call (${status}): ${rpcUser === undefined ? 'calls are made without RPC authentication, and it wants one' : 'the level of protection is too low, or the account may not call it'}`,
        check:
          rpcUser === undefined
            ? 'give -u, -p and --rpc-auth spnego (level privacy comes with it)'
            : 'try --level privacy; else look at the rights of the account',
      };
    case FaultStatus.nca_s_op_rng_error:
      return {
        hop,
        what: `${server} offers the interface, but not this operation (${status})`,
        check: 'is it another version?',
      };
    case FaultStatus.nca_s_server_too_busy:
      return {
        hop,
        what: `${server} is too busy (${status})`,
        check: 'try again later; how many clients does it have?',
      };
    default:
      return { hop, what: `${server} answered with the fault ${status}`, check: "does the server's log say why?" };
  }
}

/** What came is no RPC. */
function explainNonsense({ server, hop, binding, sight }: Trouble, error: RpchError): Advice {
  const is = sight?.http === true ? ': it is a web server' : tellProgram(sight);
  const behind = binding.protocol === 'ncacn_http' ? ' behind the proxy' : '';
  return {
    hop,
    what: `what answers as ${server}${behind} does not speak RPC${is} (${printable(error.message)})`,
    check: 'is it the port of the RPC server?',
  };
}

function explainLoss({ error, hop, server, goal }: Trouble): Advice | undefined {
  if (error.fault !== 'network') return undefined;
  const how = reasonOf(error);
  if (hop === 'bind' || (hop === 'endpoint mapper' && goal === 'endpoint mapper')) {
    return {
      what: `the connection to ${server} ended without an answer to the bind: ${how}`,
      check: 'is it the port of an RPC server? Many other programs close the connection when they are spoken to in RPC',
    };
  }
  return {
    what: `the connection to ${server} broke in mid-call: ${how}`,
    check: 'did the server, or the proxy, fail or restart just now? Its log says so; try again',
  };
}

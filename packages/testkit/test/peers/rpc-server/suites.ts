/** The tests of smbtorture's rpc.echo. */
export const ECHO_TESTS = [
  ...['addone', 'doublepointer', 'echodata', 'enum', 'sinkdata', 'sleep', 'sourcedata', 'surrounding'],
  ...['testcall', 'testcall2'],
];

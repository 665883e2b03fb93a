/** Reverses, in place, what lies at index `start` and behind it. */
export function reverseFrom<T>(stack: T[], start: number): void {
  for (let low = start, high = stack.length - 1; low < high; low++, high--) {
    const moved = stack[low] as T;
    stack[low] = stack[high] as T;
    stack[high] = moved;
  }
}

import { expect, onTestFinished, test, vi } from 'vitest';
import { createBeats } from '../src/signaling/beats.ts';

function begin() {
  vi.useFakeTimers({ now: 1_000_000 });
  vi.advanceTimersByTime(333);
  onTestFinished(() => void vi.useRealTimers());
  const wakings = new Set<number>();
  const every = createBeats();
  return {
    wakings,
    every: (everyMs: number, ran: number[] = []) =>
      every(everyMs, () => {
        ran.push(performance.now());
        wakings.add(performance.now());
      }),
  };
}

test('tasks run at multiples of their intervals, so that those that are due wake the process once', () => {
  const { every, wakings } = begin();
  const [often, seldom]: [number[], number[]] = [[], []];
  every(500, often);
  vi.advanceTimersByTime(130);
  for (let i = 0; i < 5; i++) every(1000, seldom);
  vi.advanceTimersByTime(10_000);
  expect(often).toHaveLength(19);
  expect(seldom).toHaveLength(50);
  for (const time of often) expect(time % 500).toBe(0);
  for (const time of seldom) expect(time % 1000).toBe(0);
  expect(wakings.size).toBe(19);
  expect(vi.getTimerCount()).toBe(1);
});

test.each([0, 100, 499, 500, 501, 999])(
  'the first time is half an interval away at least, one and a half at most, %i ms into it',
  (ms) => {
    const { every } = begin();
    vi.advanceTimersByTime(1000 - (performance.now() % 1000) + ms);
    const from = performance.now();
    const ran: number[] = [];
    every(1000, ran);
    vi.advanceTimersByTime(1500);
    expect((ran[0] ?? 0) - from).toBeGreaterThanOrEqual(500);
    expect((ran[0] ?? 9999) - from).toBeLessThanOrEqual(1500);
  },
);

test('a task that is called off runs no more, also when another one does that in the same beat', () => {
  const { every } = begin();
  const add = createBeats();
  const ran: string[] = [];
  const stopFirst = add(1000, () => {
    ran.push('first');
    stopFirst();
    stopSecond();
  });
  const stopSecond = add(1000, () => ran.push('second'));
  vi.advanceTimersByTime(5000);
  expect(ran).toEqual(['first']);
  expect(vi.getTimerCount()).toBe(0);
  every(1000)();
  expect(vi.getTimerCount()).toBe(0);
});

test('a process that slept runs each task once, and goes on', () => {
  const { every } = begin();
  const ran: number[] = [];
  every(1000, ran);
  vi.advanceTimersByTime(2000);
  expect(ran).toEqual([1000, 2000]);
  // Timers stand still meanwhile, the time does not.
  const slept = 60_500;
  const real = performance.now.bind(performance);
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => real() + slept);
  onTestFinished(() => clock.mockRestore());
  vi.advanceTimersByTime(2000);
  expect(ran.slice(2)).toHaveLength(2);
  expect(ran.slice(3).map((time) => time % 1000)).toEqual([0]);
});

test('a task that throws keeps none of the others from running', () => {
  begin();
  const add = createBeats();
  const ran: number[] = [];
  add(1000, () => {
    throw new Error('a defect');
  });
  add(1000, () => ran.push(1));
  for (let second = 0; second < 4; second++) expect(() => vi.advanceTimersByTime(1000)).toThrow('a defect');
  expect(ran.length).toBeGreaterThan(2);
});

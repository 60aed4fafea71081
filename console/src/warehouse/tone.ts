/** A short tone for what a scan did: high when it was right, low when it was not. */

const HIGH_HZ = 880;
const LOW_HZ = 220;
const SECONDS = 0.12;
let context: AudioContext | undefined;

/** Plays it. Browsers allow that only after a key or a press; a scan is one. */
export function playTone(right: boolean): void {
  context ??= new AudioContext();
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.frequency.value = right ? HIGH_HZ : LOW_HZ;
  gain.gain.setValueAtTime(0.15, context.currentTime);
  gain.gain.exponentialRampToValueAtTime(0.001, context.currentTime + SECONDS);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start();
  oscillator.stop(context.currentTime + SECONDS);
}

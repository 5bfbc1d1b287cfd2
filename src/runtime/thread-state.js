// What a thread that holds sessions is doing, as a number that it shares with the thread that asks.

export const idle = 0;
/** Inside native code: to stop the thread now would abort the process. */
export const busy = 1;
/** The program is ending: nothing may begin. */
export const stopping = 2;

// Job states as spoken sentences.
import { t } from "./words.js";

const WORDS = {
  queued: () => t("The job is queued"), running: () => t("The job is running"), paused: () => t("The job is paused"),
  succeeded: () => t("The job has succeeded"), failed: () => t("The job has failed"), canceled: () => t("The job was canceled"),
};

/** Return the sentence of a state, without a full stop. */
export const stateWords = (state) => WORDS[state]?.() || state;

/** What is told or logged passes here; in texts with names of files only virtual keys are hidden. */
export { hideKeys, hideVirtualKeys } from '@guichet/leaks'

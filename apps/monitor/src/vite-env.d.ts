/// <reference types="vite/client" />

interface ImportMetaEnv {
  /** Development only: the origin of a server that is not on localhost:8000. */
  readonly VITE_LINESIDE_SERVER?: string;
}

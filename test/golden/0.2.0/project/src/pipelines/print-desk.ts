import { WorkerEntrypoint } from "cloudflare:workers";

export class PrintDesk extends WorkerEntrypoint {
  page(number: number): string {
    return `page ${number}`;
  }
}

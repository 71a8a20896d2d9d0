import type { Page } from "playwright-core";
import { picture, seriousFaults } from "./browser.ts";

const SIZES = { 1280: { width: 1280, height: 900 }, 360: { width: 360, height: 740 } } as const;
const SCHEMES = ["light", "dark"] as const;

/** How a picture of a page in one of its looks is called. */
export const LOOKS = Object.keys(SIZES).flatMap((width) => SCHEMES.map((is) => `${width}-${is}`));

/**
 * What is wrong with a page for who cannot see it or has little room: at 1280 and at 360 px, by day
 * and in the dark. @param name keeps a picture of each look under it
 */
export async function faultsInAllLooks(page: Page, name?: string): Promise<string[]> {
  const faults: string[] = [];
  for (const [width, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme });
      const look = `${width}-${colorScheme}`;
      // What lies over a page covers what is in sight of it.
      const asks = await page.evaluate<boolean>("document.querySelector(':popover-open') !== null");
      if (name !== undefined) await picture(page, `${name}-${look}`, !asks);
      // By day and in the dark a page differs in its colours alone.
      const rules = colorScheme === "dark" ? ["color-contrast"] : undefined;
      for (const fault of await seriousFaults(page, rules)) faults.push(`${look}: ${fault}`);
      const wide = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
      if (wide > 0) faults.push(`${look}: ${wide} px wider than the window`);
    }
  }
  await page.setViewportSize(SIZES[1280]);
  await page.emulateMedia({ colorScheme: "light" });
  return faults;
}

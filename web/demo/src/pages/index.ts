// All pages, in the order of the menu.
import {
  CalendarCheck,
  CalendarDays,
  ChartColumn,
  Dumbbell,
  Inbox,
  LayoutDashboard,
  Settings,
  Ticket,
  Users,
  type IconNode,
} from "lucide";
import { isStaff } from "../session";
import { attendance } from "./attendance";
import { classes } from "./classes";
import { client } from "./client";
import { clients } from "./clients";
import { dashboard } from "./dashboard";
import { enquiries } from "./enquiries";
import { memberships } from "./memberships";
import { reports } from "./reports";
import { settings } from "./settings";
import { trainers } from "./trainers";

export const PAGES = [
  dashboard,
  clients,
  client,
  memberships,
  attendance,
  classes,
  trainers,
  enquiries,
  reports,
  settings,
];

export interface MenuItem {
  readonly path: string;
  readonly label: string;
  readonly picture: IconNode;
}

const MENU: readonly (MenuItem & { readonly staffOnly?: boolean })[] = [
  { path: "/dashboard", label: "Dashboard", picture: LayoutDashboard },
  { path: "/clients", label: "Clients", picture: Users, staffOnly: true },
  { path: "/memberships", label: "Memberships", picture: Ticket },
  { path: "/attendance", label: "Attendance", picture: CalendarCheck },
  { path: "/classes", label: "Classes", picture: CalendarDays },
  { path: "/trainers", label: "Trainers", picture: Dumbbell },
  { path: "/enquiries", label: "Enquiries", picture: Inbox, staffOnly: true },
  { path: "/reports", label: "Reports", picture: ChartColumn, staffOnly: true },
  { path: "/settings", label: "Settings", picture: Settings },
];

export const menu: readonly MenuItem[] = MENU.filter(({ staffOnly }) => isStaff || !staffOnly);
